using Hubbub.Amqp.Engine;

namespace Hubbub.Amqp.Transport;

/// <summary>
/// What stands behind a connection: the hub's endpoints, or a client. All but <see cref="Prepare"/> and
/// <see cref="WhenReadyToReadAsync"/> are called under the driver's lock, so they may use the engine freely and must
/// not block.
/// </summary>
public interface IConnectionOwner
{
    /// <summary>Something happened; memory in the event is valid only during the call.</summary>
    void OnEvent(in AmqpEvent e);

    /// <summary>
    /// Called on the writing side before <see cref="OnWritable"/>, without the lock: the place for work that may wait
    /// for a disk.
    /// </summary>
    void Prepare();

    /// <summary>
    /// There is room for output: settle and send what is due, up to <paramref name="bytesMax"/> bytes of output.
    /// </summary>
    /// <returns>True when there is more to send as soon as this has been written.</returns>
    bool OnWritable(int bytesMax);

    /// <summary>Completes when more input may be read; how an owner holds back a peer that is too fast.</summary>
    ValueTask WhenReadyToReadAsync(CancellationToken cancellationToken);

    /// <summary>The connection is over; called once, last. <paramref name="fault"/> is a bug or an I/O error.</summary>
    void OnClosed(Exception? fault);
}
