using System.CommandLine;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub device export [FILE]</c>: all identities, in the lines that an import takes.</summary>
internal static class DeviceExport
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The file to write, for its owner's eyes only; - or nothing writes to standard output.",
        DefaultValueFactory = _ => DeviceImport.StandardStream,
    };

    private static readonly Option<bool> WithoutKeys = new("--without-keys")
    {
        Description = "Leave the keys out; an import of it gives new devices new keys.",
    };

    private static readonly Option<string> Data = CommonOptions.Data();

    public static Command Create()
    {
        var command = new Command("export", "Write all devices and modules with their keys, one JSON object a line.")
        {
            File, WithoutKeys, Data,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var path = parsed.GetValue(File)!;
        var what = path == DeviceImport.StandardStream ? "devices were not exported" : $"'{path}' was not written";
        using var interruption = new Interruption(cancellationToken);
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        using var rest = new HubRest(hub, Timeout.InfiniteTimeSpan);
        var query = parsed.GetValue(WithoutKeys) ? "?excludeKeys=true" : "";
        try
        {
            using var response = await rest.StreamAsync(
                HttpMethod.Get, "/hubbub/devices/export" + query, null, what, interruption.Token);
            await using var body = await response.Content.ReadAsStreamAsync(interruption.Token);
            if (path == DeviceImport.StandardStream)
            {
                await using var output = Output.OpenStream();
                await body.CopyToAsync(output, interruption.Token);
            }
            else
            {
                await WriteAsync(path, body, interruption.Token);
            }
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException)
        {
            throw new CommandFailedException($"{what}: {e.Message}", inner: e);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            throw new CommandFailedException($"{what}: interrupted.");
        }
    }

    /// <summary>Writes the whole file or none: what is cut off must not be taken for all devices.</summary>
    private static async Task WriteAsync(string path, Stream body, CancellationToken cancellationToken)
    {
        var draft = $"{path}.{Environment.ProcessId}.new";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = OwnerOnly;
            await using (var file = new FileStream(draft, options))
            {
                await TransferProgress.RunAsync("Exporting", null, async progress =>
                {
                    await new CountedStream(body, progress).CopyToAsync(file, 1 << 16, cancellationToken);
                    return ExitCode.Done;
                });
            }
            System.IO.File.Move(draft, path, overwrite: true);
        }
        catch
        {
            System.IO.File.Delete(draft);
            throw;
        }
    }
}
