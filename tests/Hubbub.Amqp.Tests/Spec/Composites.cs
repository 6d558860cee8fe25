using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>A composite type, to be read and written by name.</summary>
/// <param name="Type">The C# type.</param>
/// <param name="Read">Reads the list; the descriptor was read.</param>
/// <param name="Write">Writes descriptor and list.</param>
internal sealed record Composite(Type Type, Func<byte[], object> Read, Func<object, byte[]> Write);

/// <summary>Every composite type that the library has, by the specification's name.</summary>
internal static class Composites
{
    internal static readonly Dictionary<string, Composite> All = new(StringComparer.Ordinal)
    {
        ["open"] = Of(Open.Read, static (value, ref writer) => value.Write(ref writer)),
        ["begin"] = Of(Begin.Read, static (value, ref writer) => value.Write(ref writer)),
        ["attach"] = Of(Attach.Read, static (value, ref writer) => value.Write(ref writer)),
        ["flow"] = Of(Flow.Read, static (value, ref writer) => value.Write(ref writer)),
        ["transfer"] = Of(Transfer.Read, static (value, ref writer) => value.Write(ref writer)),
        ["disposition"] = Of(Disposition.Read, static (value, ref writer) => value.Write(ref writer)),
        ["detach"] = Of(Detach.Read, static (value, ref writer) => value.Write(ref writer)),
        ["end"] = Of(End.Read, static (value, ref writer) => value.Write(ref writer)),
        ["close"] = Of(Close.Read, static (value, ref writer) => value.Write(ref writer)),
        ["error"] = Of(AmqpError.Read, static (value, ref writer) => value.Write(ref writer)),
        ["header"] = Of(Header.Read, static (value, ref writer) => value.Write(ref writer)),
        ["properties"] = Of(Performatives.Properties.Read, static (value, ref writer) => value.Write(ref writer)),
        ["received"] = Of(Received.Read, static (value, ref writer) => value.Write(ref writer)),
        ["accepted"] = Of(Accepted.Read, static (value, ref writer) => value.Write(ref writer)),
        ["rejected"] = Of(Rejected.Read, static (value, ref writer) => value.Write(ref writer)),
        ["released"] = Of(Released.Read, static (value, ref writer) => value.Write(ref writer)),
        ["modified"] = Of(Modified.Read, static (value, ref writer) => value.Write(ref writer)),
        ["source"] = Of(Source.Read, static (value, ref writer) => value.Write(ref writer)),
        ["target"] = Of(Target.Read, static (value, ref writer) => value.Write(ref writer)),
        ["coordinator"] = Of(Coordinator.Read, static (value, ref writer) => value.Write(ref writer)),
        ["sasl-mechanisms"] = Of(SaslMechanisms.Read, static (value, ref writer) => value.Write(ref writer)),
        ["sasl-init"] = Of(SaslInit.Read, static (value, ref writer) => value.Write(ref writer)),
        ["sasl-challenge"] = Of(SaslChallenge.Read, static (value, ref writer) => value.Write(ref writer)),
        ["sasl-response"] = Of(SaslResponse.Read, static (value, ref writer) => value.Write(ref writer)),
        ["sasl-outcome"] = Of(SaslOutcome.Read, static (value, ref writer) => value.Write(ref writer)),
    };

    internal static readonly Dictionary<ulong, Composite> ByDescriptor =
        All.Values.ToDictionary(composite => (ulong)composite.Type.GetField("Descriptor")!.GetRawConstantValue()!);

    internal static TheoryData<string> Names => [.. All.Keys];

    private delegate void WriteAction<in T>(T value, ref AmqpWriter writer);

    private static Composite Of<T>(Wire.ReadFunc<T> read, WriteAction<T> write)
        where T : notnull => new(
            typeof(T),
            bytes => Wire.Read(bytes, read),
            value => Wire.Write((ref writer) => write((T)value, ref writer)));
}
