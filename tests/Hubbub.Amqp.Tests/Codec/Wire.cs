using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Tests.Codec;

/// <summary>Turns codec calls into bytes and bytes into codec calls.</summary>
internal static class Wire
{
    internal delegate void WriteAction(ref AmqpWriter writer);

    internal delegate T ReadFunc<out T>(ref AmqpReader reader);

    internal static byte[] Write(WriteAction write)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        write(ref writer);
        return buffer.WrittenSpan.ToArray();
    }

    internal static string WriteHex(WriteAction write) => Convert.ToHexStringLower(Write(write));

    /// <summary>Reads all of the bytes; bytes left over fail the test.</summary>
    internal static T Read<T>(byte[] bytes, ReadFunc<T> read)
    {
        var reader = new AmqpReader(bytes);
        var value = read(ref reader);
        Assert.Equal(0, reader.Remaining);
        return value;
    }

    internal static T ReadHex<T>(string hex, ReadFunc<T> read) => Read(Bytes(hex), read);

    internal static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>The connection-wide decode error that reading these bytes must end with.</summary>
    internal static AmqpException Refused(byte[] bytes) => Refused(bytes, static (ref reader) => reader.SkipValue());

    internal static AmqpException Refused(string hex) => Refused(Bytes(hex));

    internal static AmqpException Refused(byte[] bytes, ReadAction read)
    {
        var exception = Assert.Throws<AmqpException>(() =>
        {
            var reader = new AmqpReader(bytes);
            read(ref reader);
        });
        Assert.Equal(ErrorScope.Connection, exception.Scope);
        Assert.Equal("amqp:decode-error", exception.Condition);
        return exception;
    }

    internal delegate void ReadAction(ref AmqpReader reader);

    /// <summary>Bytes that this thread allocates in the action.</summary>
    internal static long AllocatedBytes(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>
    /// Bytes that the action allocates each time: the least of a few runs, for the runtime may put a table of its own
    /// (8 KiB, when it compiles a method anew) on the account of the thread.
    /// </summary>
    internal static long LeastAllocatedBytes(Action action)
    {
        var least = AllocatedBytes(action);
        for (var run = 1; run < 4 && least > 0; run++)
            least = Math.Min(least, AllocatedBytes(action));
        return least;
    }
}
