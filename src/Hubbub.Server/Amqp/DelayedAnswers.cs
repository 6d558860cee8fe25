using System.Net;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Answers to failed authentications of one connection that wait their time. Everything else on the connection goes on
/// meanwhile: a gateway's healthy devices do not wait for a bad one. Guarded by the connection's lock.
/// </summary>
internal sealed class DelayedAnswers(HubConnection connection) : IDisposable
{
    private readonly List<(long DueMs, Action Answer)> _waiting = new(1);
    private ITimer? _timer;

    /// <summary>
    /// Counts a failed authentication and answers it: at once, or where there were many, later. Neither does anybody
    /// else wait then, nor whoever is right.
    /// </summary>
    /// <param name="connection">Where it failed.</param>
    /// <param name="holder">Whose credential it was said to be, if it said so.</param>
    /// <param name="answer">Called under the connection's lock.</param>
    public static void Answer(HubConnection connection, string? holder, Action answer)
    {
        var (services, peer) = (connection.Services, connection.Peer);
        services.Metrics.AuthenticationFailed();
        var slowdown = services.Failures.Record((peer.RemoteEndPoint as IPEndPoint)?.Address, holder);
        if (slowdown.Delay <= TimeSpan.Zero)
            answer();
        else if (!(connection.DelayedAnswers ??= new DelayedAnswers(connection)).TryAdd(slowdown.Delay, answer))
            connection.Close(ErrorCondition.UnauthorizedAccess, "Too many authentications have failed.");
        if (slowdown.HasBegun)
            services.Logger.AuthenticationsSlowed($"{peer.RemoteEndPoint}", AmqpErrors.Shorten(holder ?? "nobody"));
    }

    /// <summary>Gives an answer when its time has come.</summary>
    /// <returns>False when too many wait already.</returns>
    private bool TryAdd(TimeSpan delay, Action answer)
    {
        if (_waiting.Count >= HubAmqpLimits.FailedTokensMax)
            return false;
        _waiting.Add((NowMs + (long)delay.TotalMilliseconds, answer));
        Watch();
        return true;
    }

    /// <summary>Gives the answers whose time has come.</summary>
    public void Run()
    {
        var nowMs = NowMs;
        for (var i = 0; i < _waiting.Count; i++)
        {
            if (_waiting[i].DueMs > nowMs)
                continue;
            var answer = _waiting[i].Answer;
            _waiting.RemoveAt(i--);
            answer();
        }
        Watch();
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _waiting.Clear();
    }

    private long NowMs => ConnectionDriver.NowMs(connection.Services.Time);

    private void Watch()
    {
        if (_waiting.Count == 0)
            return;
        var next = long.MaxValue;
        foreach (var (dueMs, _) in _waiting)
            next = Math.Min(next, dueMs);
        var wait = TimeSpan.FromMilliseconds(Math.Max(1, next - NowMs));
        if (_timer is null)
        {
            _timer = connection.Services.Time.CreateTimer(
                static self => ((HubConnection)self!).AnswersDue(), connection, wait, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }
}
