using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Keeps every log line.</summary>
internal sealed class RecordingLog : ILogger, ILoggerFactory
{
    private readonly Signal _changed = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    /// <summary>Waits for a line with all of these texts, for a log may come behind the frame that it is about.</summary>
    public Task<string> WhenLoggedAsync(params string[] texts) => _changed.UntilAsync(
        () => Lines.FirstOrDefault(line => texts.All(text => line.Contains(text, StringComparison.Ordinal))),
        () => $"a log line with {string.Join(" and ", texts)}; there are:\n{string.Join('\n', Lines)}");

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" | {exception}")}");
        _changed.Set();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
