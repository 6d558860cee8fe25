namespace Hubbub.Amqp.Engine;

/// <summary>
/// Where a connection stands: AMQP 2.4.6 with the SASL layer of 5.3 in front.
/// <code>
/// server:  Header --sasl header--> Sasl --outcome ok--> HeaderAfterSasl --amqp header--> Opening
///          Header ---------------------amqp header-------------------------------------> Opening
/// client:  Header --sasl header--> Sasl --outcome ok--> HeaderAfterSasl --amqp header--> Opening
///          Opening --open from the peer--> Open --close sent--> CloseSent --close from the peer--> Ended
///                                          Open --close from the peer (answered)------------------> Ended
/// </code>
/// Any violation leads to CloseSent with a close frame, or straight to Ended where none may be sent.
/// </summary>
public enum ConnectionState
{
    /// <summary>The peer's first eight bytes are expected.</summary>
    Header,

    /// <summary>SASL frames are exchanged.</summary>
    Sasl,

    /// <summary>SASL has succeeded; the AMQP header is expected.</summary>
    HeaderAfterSasl,

    /// <summary>The peer's open is expected.</summary>
    Opening,

    /// <summary>Both sides have headers, the peer's open has come.</summary>
    Open,

    /// <summary>Our close is out; everything but the peer's close is dropped.</summary>
    CloseSent,

    /// <summary>Nothing more is read or written.</summary>
    Ended,
}
