using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Short forms of what tests write often.</summary>
internal static class Values
{
    public static AmqpValue ToValue(this string text) => AmqpValue.From(text);

    public static byte[] Message(string body) => new OutgoingMessage { Data = Encoding.UTF8.GetBytes(body) }.ToArray();

    public static string TextOf(AmqpValue value) =>
        value.TryGetString(out var text, orSymbol: true) ? text : throw new InvalidOperationException($"{value} is no text.");
}
