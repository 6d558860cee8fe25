using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Hubbub.Server.Tests.Security;

/// <summary>A hub that trusts some authorities, and the authorities that it does not trust.</summary>
public sealed class CertificateWorld : IAsyncLifetime
{
    private static readonly TcpListener s_trap = StartTrap();

    /// <summary>An address that nobody is to ask for anything.</summary>
    public static string Trap { get; } = $"http://127.0.0.1:{((IPEndPoint)s_trap.LocalEndpoint).Port}/issuer.cer";

    public TlsHub Hub { get; } = new();

    internal Issuer Root { get; } = Issuer.Root("root");

    internal Issuer RsaRoot { get; } = Issuer.Root("rsa root", new() { Key = "RSA-2048" });

    internal Issuer ShortRoot { get; } = Issuer.Root("short root", new() { PathLength = 0 });

    internal Issuer Foreign { get; } = Issuer.Root("foreign");

    internal Issuer Removed { get; } = Issuer.Root("removed");

    internal Issuer Ended { get; } = Issuer.Root("ended", new() { From = -TimeSpan.FromDays(2), Until = -TimeSpan.FromDays(1) });

    internal Issuer Plant { get; private set; } = null!;

    internal Issuer Line { get; private set; } = null!;

    internal Issuer TrustedBelow { get; private set; } = null!;

    /// <summary>True when somebody came to <see cref="Trap"/>.</summary>
    internal bool TrapSprung => s_trap.Pending();

    public async ValueTask InitializeAsync()
    {
        await Hub.InitializeAsync();
        Plant = Root.Intermediate("plant");
        Line = Plant.Intermediate("line");
        TrustedBelow = Foreign.Intermediate("trusted below");
        await Hub.AddAuthorityAsync("root", Root.Certificate);
        await Hub.AddAuthorityAsync("rsa", RsaRoot.Certificate);
        await Hub.AddAuthorityAsync("short", ShortRoot.Certificate);
        await Hub.AddAuthorityAsync("below", TrustedBelow.Certificate);
        await Hub.AddAuthorityAsync("removed", Removed.Certificate);
        await Hub.RemoveAuthorityAsync("removed");
    }

    public ValueTask DisposeAsync() => Hub.DisposeAsync();

    /// <summary>A new device in this world.</summary>
    internal async Task<Scene> NewSceneAsync(JsonObject authentication)
    {
        var id = Hub.NewId("device");
        await Hub.RegisterAsync(id, authentication);
        return new Scene(this, id);
    }

    private static TcpListener StartTrap()
    {
        var trap = new TcpListener(IPAddress.Loopback, 0);
        trap.Start();
        return trap;
    }
}

/// <summary>One device, and the authorities that may or may not vouch for it.</summary>
internal sealed record Scene(CertificateWorld World, string Id)
{
    public Issuer Root => World.Root;

    public Issuer RsaRoot => World.RsaRoot;

    public Issuer ShortRoot => World.ShortRoot;

    public Issuer Foreign => World.Foreign;

    public Issuer Removed => World.Removed;

    public Issuer Ended => World.Ended;

    public Issuer Plant => World.Plant;

    public Issuer Line => World.Line;

    public Issuer TrustedBelow => World.TrustedBelow;
}
