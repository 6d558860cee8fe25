using System.CommandLine;
using Hubbub.Cli.Commands;

namespace Hubbub.Cli;

/// <summary>The command line: every verb, one file each in Commands.</summary>
internal static class HubbubCommand
{
    public static RootCommand Create() => new("An IoT hub of your own that Azure IoT SDKs can talk to.")
    {
        UpCommand.Create(),
        DeviceCommand.Create(),
        ConsumerGroupCommand.Create(),
        PolicyCommand.Create(),
        CertificateAuthorityCommand.Create(),
        ConnectionStringCommand.Create(),
        RouteCommand.Create(),
        EndpointCommand.Create(),
        EnrichmentCommand.Create(),
        SendCommand.Create(),
        TailCommand.Create(),
        C2dCommand.Create(),
        ListenCommand.Create(),
        FeedbackCommand.Create(),
        TrustCommand.Create(),
        DoctorCommand.Create(),
        BenchCommand.Create(),
        ReferenceCommand.Create(),
    };
}
