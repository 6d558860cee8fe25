namespace AmqpGen;

/// <summary>The specification's names as C# names.</summary>
internal static class Names
{
    /// <summary>
    /// sender-settle-mode becomes SenderSettleMode; error would hide System's idea of one, so AmqpError.
    /// </summary>
    public static string Type(string name) => name == "error" ? "AmqpError" : Pascal(name);

    /// <summary>The property of a field.</summary>
    public static string Property(string field) => Pascal(field);

    /// <summary>The local variable of a field.</summary>
    public static string Local(string field)
    {
        var pascal = Pascal(field);
        var name = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        return name is "default" ? "@" + name : name;
    }

    private static string Pascal(string name) =>
        string.Concat(name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
