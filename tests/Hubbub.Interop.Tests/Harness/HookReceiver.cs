using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// A web server that takes a hub's webhook requests, while it is willing, and keeps each event under its sequence
/// number: the first time it came, and how often.
/// </summary>
internal sealed class HookReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _serving;
    private readonly ConcurrentDictionary<long, ReadEvent> _events = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private long _last = -1;
    private int _received;
    private int _refusals;

    public HookReceiver()
    {
        var port = Workspace.FreePorts(1)[0];
        Url = $"http://localhost:{port}/hook";
        _listener.Prefixes.Add($"http://localhost:{port}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    /// <summary>False: every request is answered with 503.</summary>
    public volatile bool IsWilling;

    /// <summary>What breaks the order: events that came although one before them never had.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>The events in the order of the stream, each once.</summary>
    public IReadOnlyList<ReadEvent> Events => [.. _events.Values.OrderBy(static e => e.Sequence)];

    /// <summary>How many events came again.</summary>
    public int RepeatedCount => _received - _events.Count;

    /// <summary>How many requests were sent away.</summary>
    public int RefusalCount => Volatile.Read(ref _refusals);

    /// <summary>The event of one JSON object: its body's id is <c>device/number</c>.</summary>
    public static ReadEvent EventOf(JsonElement json)
    {
        var system = json.GetProperty("SystemProperties");
        var id = system.GetProperty("messageId").GetString()!.Split('/');
        Assert.Equal(id[0], system.GetProperty("connectionDeviceId").GetString());
        var sequence = system.GetProperty("sequenceNumber").GetInt64();
        return new ReadEvent(sequence, sequence, id[0], int.Parse(id[1], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                try
                {
                    await AnswerAsync(context);
                }
                catch (Exception gone) when (gone is IOException or HttpListenerException)
                {
                    // The hub was killed while it sent, or waited for the answer.
                }
            }
        }
        catch (Exception stopped) when (stopped is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var json = await JsonDocument.ParseAsync(context.Request.InputStream);
        if (IsWilling)
        {
            foreach (var element in json.RootElement.EnumerateArray())
                Take(EventOf(element));
        }
        else
        {
            Interlocked.Increment(ref _refusals);
        }
        context.Response.StatusCode = IsWilling ? 200 : 503;
        context.Response.Close();
    }

    private void Take(ReadEvent read)
    {
        _received++;
        if (read.Sequence > _last + 1)
            _violations.Enqueue($"event {read.Sequence} came after {_last}");
        _last = Math.Max(_last, read.Sequence);
        if (_events.GetOrAdd(read.Sequence, read) != read)
            _violations.Enqueue($"event {read.Sequence} came again as another one");
    }
}
