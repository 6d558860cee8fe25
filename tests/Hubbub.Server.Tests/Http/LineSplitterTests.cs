using System.Buffers;
using System.Text;
using CsCheck;
using Hubbub.Server.Http;

namespace Hubbub.Server.Tests.Http;

public sealed class LineSplitterTests
{
    private const int LineMax = 8;

    [Fact]
    public void Lines_InWhateverPiecesTheyCome_AreThoseOfTheText()
    {
        var texts = Gen.String[Gen.Char["ab\r\n"], 0, 60];
        Gen.Select(texts, Gen.Int[1, 9].List[1, 80]).Sample((text, pieces) =>
        {
            var lines = text.Split('\n');
            if (lines[^1].Length == 0)
                lines = lines[..^1]; // Behind the last line feed there is no line.

            Assert.Equal(lines.Select(Shown), Split(Encoding.ASCII.GetBytes(text), pieces));
        });
    }

    private static string Shown(string line) =>
        line.Length > LineMax ? "(too long)" : line.EndsWith('\r') ? line[..^1] : line;

    private static List<string> Split(byte[] text, List<int> pieces)
    {
        var splitter = new LineSplitter(LineMax);
        List<string> lines = [];
        var (from, to) = (0, 0);
        for (var piece = 0; ; piece++)
        {
            to = Math.Min(text.Length, to + pieces[piece % pieces.Count]);
            // Several segments, as a pipe has them.
            var buffer = Segments(text.AsMemory(from, to - from));
            while (splitter.TryTake(ref buffer, to == text.Length, out var line))
                lines.Add(splitter.IsTooLong ? "(too long)" : Encoding.ASCII.GetString(line));
            Assert.True(buffer.Length <= LineMax + 1);
            from = to - (int)buffer.Length;
            if (to == text.Length)
                break;
        }
        Assert.Equal(lines.Count, splitter.LineNumber);
        return lines;
    }

    private static ReadOnlySequence<byte> Segments(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 2)
            return new ReadOnlySequence<byte>(bytes);
        var first = new Segment(bytes[..(bytes.Length / 2)], 0);
        var last = first.Append(bytes[(bytes.Length / 2)..]);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex) => (Memory, RunningIndex) = (memory, runningIndex);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
