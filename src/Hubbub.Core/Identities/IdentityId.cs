using System.Buffers;

namespace Hubbub.Core.Identities;

/// <summary>The alphabet of device and module ids. Ids are case-sensitive and always compared ordinally.</summary>
public static class IdentityId
{
    private static readonly SearchValues<char> Alphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-:.+%_#*?!(),=@;$'");

    /// <summary>True for 1 to 128 characters of the alphabet that are not a relative path segment.</summary>
    public static bool IsValid(ReadOnlySpan<char> id) =>
        id.Length is > 0 and <= IdentityLimits.IdLengthMax
        && !id.ContainsAnyExcept(Alphabet)
        && id is not ("." or "..");

    /// <summary>Null when an id is valid, else its refusal.</summary>
    /// <param name="what">What it is, such as "device id".</param>
    /// <param name="id">The id.</param>
    public static HubError? WhyInvalid(string what, string id) => IsValid(id) ? null : Invalid(what, id);

    /// <summary>The refusal of an id that is not valid; quotes at most the permitted length of it.</summary>
    internal static HubError Invalid(string what, string id) => new(
        HubErrorCode.ArgumentInvalid,
        $"The {what} '{Shorten(id)}' is not valid: "
        + "1 to 128 ASCII letters, digits, semicolons or - : . + % _ # * ? ! ( ) , = @ $ ' are allowed.");

    private static string Shorten(string id) =>
        id.Length > IdentityLimits.IdLengthMax ? id[..IdentityLimits.IdLengthMax] + "..." : id;
}
