using System.Text;

namespace AmqpGen;

/// <summary>C# text that grows line by line, four spaces a level.</summary>
internal sealed class SourceText
{
    private readonly StringBuilder _text = new();

    /// <summary>Appends one line, or several that stand in one text, at this depth.</summary>
    public void Line(int depth, string text)
    {
        foreach (var line in text.Split('\n'))
            _text.Append(' ', line.Length == 0 ? 0 : depth * 4).Append(line).Append('\n');
    }

    /// <summary>Appends an empty line.</summary>
    public void Line() => _text.Append('\n');

    /// <summary>The text, with one line end at its end.</summary>
    public override string ToString() => _text.ToString().TrimEnd('\n') + "\n";
}
