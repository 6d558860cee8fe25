using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>What takes the messages of a receiving link. Called under the driver's lock.</summary>
internal interface IDeliverySink
{
    /// <summary>A message has come; its memory is valid during the call only.</summary>
    void OnDelivery(in IncomingDelivery delivery);

    /// <summary>The link is over.</summary>
    void OnEnded(HubbubException end);
}
