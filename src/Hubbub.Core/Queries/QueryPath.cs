using System.Collections.Immutable;

namespace Hubbub.Core.Queries;

/// <summary>A step of a path: into a member of an object, or to an element of an array.</summary>
/// <param name="Name">The member's name; null for an element.</param>
/// <param name="Index">The element's place, counted from 0.</param>
public readonly record struct QueryStep(string? Name, int Index);

/// <summary>A path to a value of a row, without the collection's own name in front.</summary>
/// <param name="Root">The row's member that it begins with, as written; found ignoring case.</param>
/// <param name="Steps">The steps below it.</param>
public sealed record QueryPath(string Root, ImmutableArray<QueryStep> Steps)
{
    /// <summary>The name of a column that shows the path and has no other: the last member.</summary>
    public string DefaultName
    {
        get
        {
            for (var i = Steps.Length - 1; i >= 0; i--)
            {
                if (Steps[i].Name is { } name)
                    return name;
            }
            return Root;
        }
    }

    public override string ToString() =>
        Root + string.Concat(Steps.Select(s => s.Name is null ? $"[{s.Index}]" : $".{s.Name}"));
}

/// <summary>One row of a collection while a query runs.</summary>
public interface IQueryRow
{
    /// <summary>The value at a path; undefined when there is none.</summary>
    QueryValue ValueAt(QueryPath path);
}
