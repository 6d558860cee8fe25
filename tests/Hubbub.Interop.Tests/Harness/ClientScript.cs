using System.Diagnostics;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>A client script, the interpreter that runs it, and whether this machine has what it needs.</summary>
internal sealed class ClientScript
{
    // Debian's packages serve Debian's own python3, whatever other python3 is first on the PATH.
    private const string Python = "/usr/bin/python3";
    private const string Remedy = "run ./test as root, or install it by hand";

    private readonly Lazy<string?> _missing;

    private ClientScript(string file, string interpreter, Func<string?> missing)
    {
        Path = System.IO.Path.Combine(Workspace.Clients, file);
        Interpreter = interpreter;
        _missing = new Lazy<string?>(missing);
    }

    public static ClientScript UamqpDevice { get; } = OfPython("uamqp_device.py", "uamqp");
    public static ClientScript UamqpService { get; } = OfPython("uamqp_service.py", "uamqp");
    public static ClientScript UamqpCommands { get; } = OfPython("uamqp_commands.py", "uamqp");
    public static ClientScript Proton { get; } = OfPython("proton_peer.py", "proton");
    public static ClientScript ProtonCommands { get; } = OfPython("proton_commands.py", "proton");
    public static ClientScript IotCommands { get; } = OfNode("iot_commands.mjs", "azure-iothub");
    public static ClientScript IotRegistry { get; } = OfNode("iot_registry.mjs", "azure-iothub");
    public static ClientScript Rhea { get; } = OfNode("rhea_peer.mjs", "rhea");
    public static ClientScript IotDevice { get; } = OfNode("iot_device.mjs", "azure-iot-device-amqp");
    public static ClientScript IotSecurity { get; } = OfNode("iot_security.mjs", "azure-iot-device-amqp");
    public static ClientScript ProtonX509 { get; } = OfPython("proton_x509.py", "proton");
    public static ClientScript EventHubs { get; } = OfNode("event_hubs.mjs", "@azure/event-hubs");

    public string Path { get; }

    public string Interpreter { get; }

    /// <summary>Skips the running test, naming what is missing and the remedy.</summary>
    public void SkipUnlessInstalled() => Assert.SkipWhen(_missing.Value is not null, _missing.Value ?? "");

    private static ClientScript OfPython(string file, string module) => new(file, Python, () => PythonModule(module));

    private static ClientScript OfNode(string file, string package) => new(file, "node", () => NodePackage(package));

    private static string? PythonModule(string module) =>
        Runs(Python, "-c", $"import {module}") ? null : $"{Python} has no module {module}: {Remedy}";

    private static string? NodePackage(string package)
    {
        if (!Runs("node", "--version")) return $"node is not installed: {Remedy}";
        var folder = System.IO.Path.Combine(Workspace.Clients, "node_modules", package);
        return Directory.Exists(folder) ? null : $"npm package {package} is not installed: {Remedy}";
    }

    private static bool Runs(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            };
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
