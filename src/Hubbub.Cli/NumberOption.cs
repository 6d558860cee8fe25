using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Hubbub.Cli;

/// <summary>Options that take a number; what is none, or out of bounds, is refused in the option's own name.</summary>
internal static class NumberOption
{
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What it is for, in a sentence.</param>
    /// <param name="otherwise">When it is not given.</param>
    /// <param name="min">The smallest one that is taken.</param>
    /// <param name="max">The largest one.</param>
    public static Option<int> Create(string name, string description, int otherwise, int min, int max) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => (int)Parse(result, name, min, max).GetValueOrDefault(),
        DefaultValueFactory = _ => otherwise,
    };

    /// <summary>One without a default.</summary>
    public static Option<int?> CreateOptional(string name, string description, int min, int max) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => (int?)Parse(result, name, min, max),
    };

    /// <summary>How many of something, 1 or more; without a default.</summary>
    public static Option<long?> CreateCount(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => Parse(result, name, 1, long.MaxValue),
    };

    private static long? Parse(ArgumentResult result, string name, long min, long max)
    {
        var text = result.Tokens[0].Value;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            result.AddError($"'{text}' is no number for {name}.");
            return null;
        }
        if (number >= min && number <= max)
            return number;
        result.AddError(max == long.MaxValue
            ? $"{name} must be {min} or more, not {text}."
            : $"{name} must be {min} to {max}, not {text}.");
        return null;
    }
}
