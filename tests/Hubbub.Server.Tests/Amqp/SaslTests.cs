using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Who gets in by SASL, and what the others hear.</summary>
public sealed class SaslTests
{
    private const string Events = "/devices/d1/messages/events";

    public enum User
    {
        Device,
        DeviceWithFullHost,
        DeviceWithEncodedName,
        Module,
        Policy,
        PolicyWithFullHost,
        PolicyWithRawKey,
    }

    [Theory]
    [InlineData(User.Device)]
    [InlineData(User.DeviceWithFullHost)]
    [InlineData(User.DeviceWithEncodedName)]
    [InlineData(User.Module)]
    [InlineData(User.Policy)]
    [InlineData(User.PolicyWithFullHost)]
    [InlineData(User.PolicyWithRawKey)]
    public async Task Plain_GoodCredentials_AreWelcomeAndMayUseTheirOwnLink(User user)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await hub.CreateModuleAsync("d1", "m1");
        var (name, password) = user switch
        {
            User.Device => ("d1@sas.hub1", hub.DeviceToken("d1")),
            User.DeviceWithFullHost => ($"d1@sas.{TestHub.Host}", hub.DeviceToken("d1")),
            User.DeviceWithEncodedName => ("%641@sas.hub1", hub.DeviceToken("d1")),
            User.Module => ("d1/modules/m1@sas.hub1", hub.ModuleToken("d1", "m1")),
            User.Policy => ("device@sas.root.hub1", hub.PolicyToken("device")),
            User.PolicyWithFullHost => ($"device@sas.root.{TestHub.Host}", hub.PolicyToken("device")),
            _ => ("device", hub.Policy("device").Keys.Secondary.Reveal()),
        };
        var peer = hub.Connect();

        var outcome = await peer.SaslAsync("PLAIN", PeerSteps.Plain(name, password));

        Assert.Equal(SaslCode.Ok, outcome.Code);
        Assert.Equal("Welcome!"u8.ToArray(), outcome.AdditionalData!.Value.ToArray());
        var session = await peer.OpenAsync();
        var address = user == User.Module ? "/devices/d1/modules/m1/messages/events" : Events;
        Assert.Null((await session.SenderAsync(address)).Refusal);
    }

    [Fact]
    public async Task Mechanisms_AreTheOriginalsInItsOrder()
    {
        await using var hub = await TestHub.StartAsync();
        var peer = hub.Connect();

        await peer.SendAsync(ProtocolHeader.Sasl.ToArray());
        var offered = await peer.NextAsync<SaslMechanisms>();

        Assert.Equal(["EXTERNAL", "MSSBCBS", "ANONYMOUS", "PLAIN"], offered.SaslServerMechanisms.Select(m => m.Value));
    }

    [Theory]
    [InlineData("wrong password")]
    [InlineData("token of another device")]
    [InlineData("unknown device")]
    [InlineData("disabled device")]
    [InlineData("expired")]
    [InlineData("other hub")]
    [InlineData("unknown policy")]
    [InlineData("token of another policy")]
    [InlineData("wrong raw key")]
    public async Task Plain_BadCredentials_AreRefusedWithCodeAuthAndTheReasonInTheLog(string what)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await hub.CreateDeviceAsync("d2");
        await hub.CreateDeviceAsync("off");
        await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "off", Status = DeviceStatus.Disabled }, IfMatch.Any, TestContext.Current.CancellationToken);
        var (name, password, reason) = what switch
        {
            "wrong password" => ("d1@sas.hub1", "hunter2", "malformed"),
            "token of another device" => ("d1@sas.hub1", hub.DeviceToken("d2"), "d1"),
            "unknown device" => ("ghost@sas.hub1", hub.ForeignToken("/devices/ghost"), "ghost"),
            "disabled device" => ("off@sas.hub1", hub.DeviceToken("off"), "off"),
            "expired" => ("d1@sas.hub1", hub.DeviceToken("d1", TimeSpan.FromMinutes(-6)), "expired"),
            "other hub" => ("d1@sas.otherhub", hub.DeviceToken("d1"), "otherhub"),
            "unknown policy" => ("nobody@sas.root.hub1", hub.ForeignToken("", "nobody"), "nobody"),
            "token of another policy" => ("iothubowner@sas.root.hub1", hub.PolicyToken("device"), "iothubowner"),
            _ => ("service", hub.Policy("device").Keys.Primary.Reveal(), "service"),
        };
        var peer = hub.Connect();

        var outcome = await peer.SaslAsync("PLAIN", PeerSteps.Plain(name, password));

        Assert.Equal(SaslCode.Auth, outcome.Code);
        Assert.Null(outcome.AdditionalData);
        await peer.WhenEndedAsync();
        var line = await hub.Log.WhenLoggedAsync($"{peer.Id}: SASL PLAIN refused", reason);
        Assert.DoesNotContain(password, line, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]?> MalformedResponses => new()
    {
        { "absent", null },
        { "empty", [] },
        { "no NUL", "d1@sas.hub1 secret"u8.ToArray() },
        { "one NUL", "\0d1@sas.hub1"u8.ToArray() },
        { "four parts", "a\0d1@sas.hub1\0secret\0more"u8.ToArray() },
        { "empty user", "\0\0secret"u8.ToArray() },
        { "empty password", "\0d1@sas.hub1\0"u8.ToArray() },
        { "only NULs", "\0\0"u8.ToArray() },
        { "not UTF-8", [0, 0xc3, 0x28, 0, 0x41] },
        { "8 KB", [0, .. "d1@sas.hub1"u8, 0, .. Enumerable.Repeat((byte)'x', 7_900)] },
    };

    [Theory]
    [MemberData(nameof(MalformedResponses))]
    public async Task Plain_MalformedResponse_IsRefusedWithCodeAuth(string what, byte[]? response)
    {
        Assert.NotEmpty(what);
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var peer = hub.Connect();

        var outcome = await peer.SaslAsync("PLAIN", response);

        Assert.Equal(SaslCode.Auth, outcome.Code);
        await peer.WhenEndedAsync();
        await hub.Log.WhenLoggedAsync($"{peer.Id}: SASL PLAIN refused");
    }

    [Fact]
    public async Task Plain_PasswordOf64KiB_CutsTheConnectionAndNoOther()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var other = await hub.ConnectDeviceAsync("d1");
        var peer = hub.Connect();
        await peer.SendAsync(ProtocolHeader.Sasl.ToArray());
        await peer.NextAsync<SaslMechanisms>();

        await peer.SendAsync(0, new SaslInit
        {
            Mechanism = "PLAIN",
            InitialResponse = PeerSteps.Plain("d1@sas.hub1", new string('x', 65_536)),
        }.Write, type: FrameType.Sasl);

        await peer.WhenEndedAsync();
        Assert.DoesNotContain(peer.Inbox, f => f.Performative is SaslOutcome);
        await other.PingAsync();
    }

    [Fact]
    public async Task External_WithoutCertificate_IsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        var peer = hub.Connect();

        var outcome = await peer.SaslAsync("EXTERNAL", []);

        Assert.Equal(SaslCode.Auth, outcome.Code);
        await peer.WhenEndedAsync();
        await hub.Log.WhenLoggedAsync("SASL EXTERNAL refused", "certificate");
    }

    [Fact]
    public async Task External_WithACertificateOfADeviceThatHasKeys_IsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        using var key = System.Security.Cryptography.ECDsa.Create();
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=d1", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSelfSigned(
                hub.Time.GetUtcNow(), hub.Time.GetUtcNow().AddDays(1));
        var peer = hub.Connect(certificate: certificate);

        Assert.Equal(SaslCode.Auth, (await peer.SaslAsync("EXTERNAL", [])).Code);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("plain")]
    [InlineData("")]
    public async Task Mechanism_NotOffered_IsRefused(string mechanism)
    {
        await using var hub = await TestHub.StartAsync();
        var peer = hub.Connect();

        var outcome = await peer.SaslAsync(mechanism, []);

        Assert.Equal(SaslCode.Auth, outcome.Code);
        await peer.WhenEndedAsync();
    }

    [Theory]
    [InlineData("MSSBCBS")]
    [InlineData("ANONYMOUS")]
    [InlineData(null)]
    public async Task NothingProven_MayUseCbsAndNothingElse(string? mechanism)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var peer = hub.Connect();
        if (mechanism is not null)
            Assert.Equal(SaslCode.Ok, (await peer.SaslAsync(mechanism)).Code);
        var session = await peer.OpenAsync();

        var before = await session.SenderAsync(Events);
        var cbs = await session.CbsAsync();
        var reply = await cbs.PutAsync(hub.DeviceToken("d1"));
        var after = await session.SenderAsync(Events);

        Assert.Equal(ErrorCondition.UnauthorizedAccess, before.Refusal?.Condition.Value);
        Assert.Equal(200, reply.Status);
        Assert.Null(after.Refusal);
    }

    [Fact]
    public async Task Refused_NothingSentBehindTheInitIsDone()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var peer = hub.Connect();
        using var bytes = new Hubbub.Amqp.Codec.ByteBuffer();
        bytes.Write(ProtocolHeader.Sasl);
        var init = new SaslInit { Mechanism = "PLAIN", InitialResponse = PeerSteps.Plain("d1@sas.hub1", "no") };
        RawPeer.AppendFrame(bytes, 0, init.Write, type: FrameType.Sasl);
        bytes.Write(ProtocolHeader.Amqp);
        RawPeer.AppendFrame(bytes, 0, new Open { ContainerId = "x" }.Write);

        await peer.SendAsync(bytes.WrittenSpan.ToArray());

        Assert.Equal(SaslCode.Auth, (await peer.NextAsync<SaslOutcome>()).Code);
        await peer.WhenEndedAsync();
        Assert.Null(peer.RemoteOpen);
        Assert.Single(peer.Headers);
    }

    [Fact]
    public async Task EverythingPipelined_InOneSegment_Works()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var peer = hub.Connect();
        _ = peer.Session(0);
        using var bytes = new Hubbub.Amqp.Codec.ByteBuffer();
        bytes.Write(ProtocolHeader.Sasl);
        var init = new SaslInit { Mechanism = "PLAIN", InitialResponse = PeerSteps.Plain("d1@sas.hub1", hub.DeviceToken("d1")) };
        RawPeer.AppendFrame(bytes, 0, init.Write, type: FrameType.Sasl);
        bytes.Write(ProtocolHeader.Amqp);
        RawPeer.AppendFrame(bytes, 0, new Open { ContainerId = "x" }.Write);
        RawPeer.AppendFrame(bytes, 0, new Begin { NextOutgoingId = 0, IncomingWindow = 100, OutgoingWindow = 100 }.Write);
        RawPeer.AppendFrame(bytes, 0, new Attach
        {
            Name = "t",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source(),
            Target = new Target { Address = Events.ToValue() },
            InitialDeliveryCount = 0,
        }.Write);
        for (uint id = 0; id < 1_000; id++)
        {
            var transfer = new Transfer { Handle = 0, DeliveryId = id, DeliveryTag = BitConverter.GetBytes(id) };
            RawPeer.AppendFrame(bytes, 0, transfer.Write, Values.Message($"m{id}"));
        }

        await peer.SendAsync(bytes.WrittenSpan.ToArray());

        for (uint id = 0; id < 1_000; id++)
            Assert.IsType<Accepted>((await peer.WhenSettledAsync(0, id)).State);
    }
}
