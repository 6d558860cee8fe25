using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>RFC 1982 serial arithmetic over 32 bits, as AMQP 2.8.10 wants for delivery and transfer numbers.</summary>
public static class SequenceNumber
{
    /// <summary>How far <paramref name="a"/> is ahead of <paramref name="b"/>; negative when it is behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Distance(uint a, uint b) => unchecked((int)(a - b));

    /// <summary>True when <paramref name="a"/> comes after <paramref name="b"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAfter(uint a, uint b) => Distance(a, b) > 0;
}
