namespace Hubbub.Client.Connections;

/// <summary>What a call is told that took too long.</summary>
internal static class Timely
{
    public static HubbubException TooLong(ClientOptions options, string address, string what, Exception e) =>
        TooLong(options.OperationTimeout, address, what, e);

    public static HubbubException TooLong(TimeSpan timeout, string address, string what, Exception e) =>
        new(HubbubCondition.Timeout, $"{what} took longer than {timeout.TotalSeconds} s", address, null, e);
}
