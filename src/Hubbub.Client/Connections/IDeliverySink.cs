using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>
/// What takes the messages of a receiving link. Called under the driver's lock where nothing else is said.
/// </summary>
internal interface IDeliverySink
{
    /// <summary>A message has come; its memory is valid during the call only.</summary>
    void OnDelivery(in IncomingDelivery delivery);

    /// <summary>All that has come for now has been given. The driver's lock need not be held.</summary>
    void OnDelivered();

    /// <summary>The link is over.</summary>
    void OnEnded(HubbubException end);
}
