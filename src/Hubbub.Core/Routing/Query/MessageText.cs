namespace Hubbub.Core.Routing.Query;

/// <summary>A text of a message: where it lies, so that no copy is made of it. UTF-8.</summary>
public readonly struct MessageText
{
    private MessageText(ValueKind kind, TextSource source, int start, int length) =>
        (Kind, Source, Start, Length) = (kind, source, start, length);

    /// <summary>The message does not have it.</summary>
    public static MessageText Missing => default;

    /// <summary>The message has it, and it is null.</summary>
    public static MessageText Null => new(ValueKind.NullText, default, 0, 0);

    /// <summary>True when the message does not have it.</summary>
    public bool IsMissing => Kind == ValueKind.Undefined;

    internal ValueKind Kind { get; }

    internal TextSource Source { get; }

    internal int Start { get; }

    internal int Length { get; }

    /// <summary>A part of the view's own bytes.</summary>
    public static MessageText InMessage(int start, int length) =>
        new(ValueKind.Text, TextSource.Message, start, length);

    internal static MessageText InScratch(int start, int length) =>
        new(ValueKind.Text, TextSource.Scratch, start, length);

    internal void CopyTo(ref Value value)
    {
        value.Kind = Kind;
        value.Source = Source;
        value.Start = Start;
        value.Length = Length;
    }
}
