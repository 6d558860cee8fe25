using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Tests.Codec;

public sealed class ByteBufferTests
{
    [Fact]
    public void Buffer_NeverWritten_HoldsNoArray()
    {
        using var buffer = new ByteBuffer();
        Assert.Empty(buffer.Array);
        Assert.Equal(0, buffer.Length);
        buffer.Release();
        Assert.Empty(buffer.Array);
    }

    [Fact]
    public void Buffer_Grown_KeepsWhatWasWritten()
    {
        using var buffer = new ByteBuffer();
        for (var i = 0; i < 10_000; i++)
            buffer.Write([(byte)i, (byte)(i >> 8)]);
        Assert.Equal(20_000, buffer.Length);
        for (var i = 0; i < 10_000; i++)
            Assert.Equal(i, buffer.WrittenSpan[2 * i] | buffer.WrittenSpan[(2 * i) + 1] << 8);
    }

    [Fact]
    public void Buffer_Cleared_KeepsItsArrayAndReleasedDoesNot()
    {
        using var buffer = new ByteBuffer();
        buffer.Write([1, 2, 3]);
        var array = buffer.Array;
        buffer.Clear();
        Assert.Same(array, buffer.Array);
        Assert.Equal(0, buffer.Length);
        buffer.Write([4]);
        Assert.Equal([4], buffer.WrittenMemory.ToArray());
        buffer.Release();
        Assert.Empty(buffer.Array);
        buffer.Write([5]);
        Assert.Equal([5], buffer.WrittenMemory.ToArray());
    }

    [Fact]
    public void Buffer_AsBufferWriter_GivesTheRoomAskedForAndRefusesToAdvanceBeyondIt()
    {
        using var buffer = new ByteBuffer();
        Assert.True(buffer.GetSpan(1_000).Length >= 1_000);
        Assert.True(buffer.GetMemory().Length >= 1);
        buffer.GetSpan(2)[0] = 7;
        buffer.Advance(1);
        Assert.Equal([7], buffer.WrittenSpan.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(buffer.Array.Length));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Truncate(2));
        buffer.Truncate(0);
        Assert.Equal(0, buffer.Length);
    }
}
