namespace Hubbub.Client.Connections;

/// <summary>
/// Reads the messages of a link, and of another one in its place when it is lost. For one reader at a time.
/// </summary>
internal sealed class MessageReader(ClientOptions options, Func<CancellationToken, Task<MessageLink>> attachAsync)
{
    private readonly Backoff _backoff = new(options);
    private MessageLink? _link;

    /// <summary>Attaches the link; a passing failure is tried again until it is cancelled.</summary>
    /// <exception cref="HubbubException">Refused.</exception>
    public async Task<MessageLink> OpenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                _link = await attachAsync(cancellationToken).ConfigureAwait(false);
                _backoff.Succeeded();
                return _link;
            }
            catch (HubbubException e) when (GoesOn(e, wasThere: false))
            {
                if (!e.IsReplaced)
                    await _backoff.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The next message.</summary>
    /// <exception cref="HubbubException">Refused, or the link is over for a reason that does not pass.</exception>
    public async ValueTask<ReceivedMessage> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var link = _link ?? await OpenAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await link.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (HubbubException e) when (GoesOn(e, wasThere: true))
            {
                _link = null;
                if (!e.IsReplaced)
                    await _backoff.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Detaches the link; what was read and not settled goes to the next receiver.</summary>
    public void Close() => _link?.Connection?.Detach(_link);

    private bool GoesOn(HubbubException e, bool wasThere) =>
        e.IsReplaced || (options.Reconnect.IsEnabled && e.MayHeal(wasThere));
}
