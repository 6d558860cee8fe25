namespace Hubbub.Cli;

/// <summary>A number that one task raises and another one shows.</summary>
internal sealed class Counter
{
    private long _value;

    public long Value => Volatile.Read(ref _value);

    public void Increment() => Volatile.Write(ref _value, _value + 1);
}
