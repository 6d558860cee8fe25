using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Hubbub.Core.Security;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>
/// Log lines on standard error, one line each. A reader that stops reading never stops the hub: lines that find no
/// room are dropped and counted.
/// </summary>
public sealed class StandardErrorLog : ILoggerFactory, IAsyncDisposable
{
    private static readonly TimeSpan LastWriteTimeout = TimeSpan.FromSeconds(1);

    private readonly Channel<string> _lines;
    private readonly LogLevel _level;
    private readonly TimeProvider _time;
    private readonly TextWriter _writer;
    private readonly Task _writing;
    private long _dropped;

    public StandardErrorLog(LogLevel level, TimeProvider time, TextWriter? writer = null)
    {
        (_level, _time, _writer) = (level, time, writer ?? Console.Error);
        _lines = Channel.CreateBounded<string>(
            new BoundedChannelOptions(HostingLimits.LogLinesWaitingMax)
            {
                FullMode = BoundedChannelFullMode.DropWrite,
                SingleReader = true,
            },
            _ => Interlocked.Increment(ref _dropped));
        _writing = Task.Run(WriteAsync);
    }

    public ILogger CreateLogger(string categoryName)
    {
        // What the framework says at Information is a line per request and per connection.
        var isOurs = categoryName.StartsWith("Hubbub", StringComparison.Ordinal);
        var isQuieter = !isOurs && _level == LogLevel.Information;
        return new Logger(this, categoryName, isQuieter ? LogLevel.Warning : _level);
    }

    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("Log lines go to standard error only.");

    public void Dispose() => _lines.Writer.TryComplete();

    /// <summary>Writes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        try
        {
            await _writing.WaitAsync(LastWriteTimeout, _time);
        }
        catch (TimeoutException)
        {
            // Nobody reads standard error any more.
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var line in _lines.Reader.ReadAllAsync())
        {
            try
            {
                await _writer.WriteLineAsync(line);
                if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
                    await _writer.WriteLineAsync($"({dropped} log lines were dropped: standard error is not read)");
            }
            catch (IOException)
            {
                // Standard error is closed; the hub goes on without its log.
            }
        }
    }

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        var line = new StringBuilder(160);
        line.Append(_time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        line.Append(' ').Append(NameOf(level)).Append(' ').Append(category).Append(": ").Append(Secrets.Hide(message));
        if (exception is not null)
            line.Append(" | ").Append(Secrets.Hide(exception.ToString()));
        // Peer text must not be able to forge a second line.
        for (var i = 0; i < line.Length; i++)
        {
            if (char.IsControl(line[i]))
                line[i] = ' ';
        }
        if (level == LogLevel.Critical)
            _writer.WriteLine(line); // The process may be about to end.
        else
            _lines.Writer.TryWrite(line.ToString());
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private sealed class Logger(StandardErrorLog log, string category, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            ArgumentNullException.ThrowIfNull(formatter);
            if (IsEnabled(logLevel))
                log.Write(logLevel, category, formatter(state, exception), exception);
        }
    }
}
