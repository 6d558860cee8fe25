using Hubbub.Server.Hosting;
using Spectre.Console;

namespace Hubbub.Cli;

/// <summary>What <c>hubbub up</c> tells a person: that it runs, where, and what a newcomer pastes next.</summary>
internal static class Greeting
{
    /// <param name="hub">The hub that is ready.</param>
    /// <param name="showsSecrets">True when only this person reads the output, or asked for it.</param>
    public static void Print(HubFile hub, bool showsSecrets)
    {
        var version = typeof(Greeting).Assembly.GetName().Version?.ToString(3);
        var plain = hub.Ports.Amqp == 0 ? "" : $", plain AMQP {hub.Ports.Amqp} on loopback";
        Line($"[bold]Hubbub {version}[/]: [green]{Markup.Escape(hub.HostName)} is ready[/] after {hub.ReadyMs} ms");
        Line($"  AMQPS {hub.Ports.Amqps}, HTTPS and WebSocket {hub.Ports.Https}{plain}");
        Line($"  data in {Markup.Escape(hub.Data)}");
        var data = DataOption(hub.Data);
        Line("");
        PrintStrings(hub, showsSecrets, data);
        Line("");
        Line("Next, in another terminal:");
        if (hub.CaCertificate is not null)
            Command($"hubbub trust{data}", "once: let this machine trust the hub's CA");
        Command($"hubbub device create my-device{data}", "prints the device's connection string");
        Command($"hubbub send my-device 'hello'{data}", "telemetry");
        Command($"hubbub tail --from start{data}", "what the hub holds, and what comes");
        Command($"hubbub doctor{data}", "when something does not work");
        Line("");
        Line("Ctrl+C stops it.");
    }

    private static void PrintStrings(HubFile hub, bool showsSecrets, string data)
    {
        if (!showsSecrets)
        {
            Command(
                $"hubbub connection-string{data}", "for services; --eventhubs for readers, --device ID for a device");
            return;
        }
        if (hub.ConnectionStrings.TryGetValue("iothubowner", out var service))
            Secret("services", service);
        if (hub.ConnectionStrings.TryGetValue("device", out var device))
            Secret("devices, by policy (for gateways; one device's own: hubbub device create)", device);
        if (hub.EventHubs.TryGetValue("service", out var events))
            Secret("Event Hubs readers", events);
    }

    private static string DataOption(string data) =>
        Path.GetRelativePath(Environment.CurrentDirectory, data) == CommonOptions.DefaultDataDirectory
            ? ""
            : $" --data {ShellWord.Quote(data)}";

    private static void Secret(string whose, string text)
    {
        Line($"  [dim]{whose}:[/]");
        // Never through the console's own layout: a wrapped string cannot be pasted.
        Console.Out.WriteLine($"  {text}");
    }

    private static void Command(string command, string remark) =>
        Line($"  [yellow]{Markup.Escape(command.PadRight(48))}[/] [dim]# {Markup.Escape(remark)}[/]");

    private static void Line(string markup)
    {
        if (Console.IsOutputRedirected)
            Console.Out.WriteLine(Markup.Remove(markup));
        else
            AnsiConsole.MarkupLine(markup);
    }
}
