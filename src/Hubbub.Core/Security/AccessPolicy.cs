namespace Hubbub.Core.Security;

/// <summary>A named pair of keys with rights on the whole hub.</summary>
public sealed record AccessPolicy(string Name, AccessRights Rights, SymmetricKeyPair Keys)
{
    /// <summary>True for 1 to 64 characters that a C# client accepts in a connection string.</summary>
    public static bool IsValidName(ReadOnlySpan<char> name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-' or '@'))
                return false;
        }
        return name.Length is > 0 and <= SecurityLimits.NameLengthMax;
    }

    public bool Allows(AccessRights rights) => (Rights & rights) == rights;
}
