using System.Net;
using System.Net.Sockets;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Where things are: the repository, the built <c>hubbub</c>, the client scripts, and free ports.</summary>
internal static class Workspace
{
    public static string Root { get; } = FindRoot();

    public static string Clients => Path.Combine(Root, "tests", "Hubbub.Interop.Tests", "clients");

    /// <summary>The executable that was built in the configuration of this test assembly.</summary>
    public static string Hubbub { get; } = FindHubbub();

    /// <summary>Where hubs' logs stay after the run, so that a failure can be read.</summary>
    public static string Logs { get; } =
        Directory.CreateDirectory(Path.Combine(Root, "artifacts", "test-results", "hubs")).FullName;

    /// <summary>
    /// Ports on which nothing listens now, below the range that outgoing connections take theirs from: a hub that is
    /// down for a moment finds its ports free when it comes back.
    /// </summary>
    public static int[] FreePorts(int count)
    {
        var ports = new HashSet<int>();
        while (ports.Count < count)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            if (WhyTaken(port) is null) ports.Add(port);
        }
        return [.. ports];
    }

    /// <summary>Why nobody can listen on <paramref name="port"/> now; null when somebody can.</summary>
    public static SocketError? WhyTaken(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return null;
        }
        catch (SocketException refused)
        {
            return refused.SocketErrorCode;
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hubbub.slnx"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"no Hubbub.slnx above {AppContext.BaseDirectory}");
    }

    private static string FindHubbub()
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var path = Path.Combine(Root, "artifacts", "bin", "Hubbub.Cli", configuration, "hubbub");
        return OperatingSystem.IsWindows() ? path + ".exe" : path;
    }
}
