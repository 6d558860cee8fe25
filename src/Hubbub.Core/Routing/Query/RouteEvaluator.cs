namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Runs a <see cref="RouteProgram"/> over messages, one after the other; not safe for concurrent use.
/// </summary>
public sealed class RouteEvaluator
{
    [ThreadStatic]
    private static RouteEvaluator? t_current;

    private static readonly SystemPropertyName ContentType = SystemPropertyName.Of("contentType");
    private static readonly SystemPropertyName ContentEncoding = SystemPropertyName.Of("contentEncoding");

    private readonly TextScratch _scratch = new();
    private readonly Value[] _values;
    private bool _areDocumentsRead;

    public RouteEvaluator(RouteProgram program)
    {
        Program = program;
        _values = [.. program.Template];
    }

    public RouteProgram Program { get; }

    /// <summary>The thread's own evaluator of a program.</summary>
    public static RouteEvaluator For(RouteProgram program)
    {
        var current = t_current;
        return current is not null && current.Program == program ? current : t_current = new RouteEvaluator(program);
    }

    /// <summary>Computes every condition. <see cref="ResultOf"/> has the results.</summary>
    public void Evaluate<TMessage>(scoped ref TMessage message) where TMessage : struct, IMessageView, allows ref struct
    {
        var computation = Begin(ref message);
        ReadDocuments(ref message, ref computation);
    }

    /// <summary>Evaluates the one condition of the program, and says what it is made of.</summary>
    internal ConditionClause Explain<TMessage>(Condition condition, scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var computation = Begin(ref message);
        ReadDocuments(ref message, ref computation);
        return new ConditionExplainer(condition, Program, computation).Explain();
    }

    /// <summary>
    /// Computes what decides which conditions are true: documents are read only when a condition can still be.
    /// <see cref="IsTrue"/> has the results.
    /// </summary>
    public void Match<TMessage>(scoped ref TMessage message) where TMessage : struct, IMessageView, allows ref struct
    {
        var computation = Begin(ref message);
        if ((Program.UsesBody || Program.UsesTwin) && IsDocumentNeeded())
            ReadDocuments(ref message, ref computation);
    }

    /// <summary>All sets of those conditions that the last message given to <see cref="Match"/> fulfils.</summary>
    /// <param name="sets">A set for each condition.</param>
    public ulong Union(ReadOnlySpan<ulong> sets)
    {
        ulong all = 0;
        var roots = Program.Roots.AsSpan(0, sets.Length);
        for (var i = 0; i < sets.Length; i++)
        {
            if (_values[roots[i].Value].Kind == ValueKind.True && (_areDocumentsRead || !roots[i].NeedsDocument))
                all |= sets[i];
        }
        return all;
    }

    /// <summary>True when the last message fulfils a condition.</summary>
    public bool IsTrue(int condition)
    {
        ref readonly var root = ref Program.Roots[condition];
        return (!root.NeedsDocument || _areDocumentsRead) && _values[root.Value].Kind == ValueKind.True;
    }

    /// <summary>What a condition says of the last message given to <see cref="Evaluate"/>.</summary>
    public TriState ResultOf(int condition)
    {
        var root = Program.Roots[condition];
        return _values[root.Value].Kind switch
        {
            ValueKind.True => TriState.True,
            ValueKind.False => TriState.False,
            ValueKind.Null when root.IsNullFalse => TriState.False,
            _ => TriState.Undefined,
        };
    }

    private Computation Begin<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        _scratch.Clear();
        _areDocumentsRead = false;
        if (Program.UsesProperties)
            ReadProperties(ref message);
        for (var i = 0; i < Program.SystemNames.Count; i++)
        {
            message.ReadSystemProperty(Program.SystemNames[i], _scratch)
                .CopyTo(ref _values[Program.FirstSystem + i]);
        }
        var computation = new Computation
        {
            Values = _values,
            Scratch = _scratch,
            Literals = Program.Literals,
            Message = message.Bytes,
        };
        computation.Run(Program.Code.AsSpan(0, Program.DocumentCode), Program.FirstComputed);
        return computation;
    }

    private void ReadProperties<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var slots = _values.AsSpan(Program.FirstProperty, Program.FirstSystem - Program.FirstProperty);
        foreach (ref var slot in slots)
            slot.Kind = ValueKind.Undefined;
        var position = 0;
        while (message.TryReadProperty(ref position, _scratch, out var name, out var value))
        {
            var found = Program.PropertyNames.Find(name);
            if (found >= 0)
                value.CopyTo(ref slots[found]);
        }
    }

    private bool IsDocumentNeeded()
    {
        foreach (var root in Program.Roots)
        {
            if (root.NeedsDocument && AreAllTrue(root.Guards))
                return true;
        }
        return false;
    }

    private bool AreAllTrue(int[] values)
    {
        foreach (var value in values)
        {
            if (_values[value].Kind != ValueKind.True)
                return false;
        }
        return true;
    }

    private void ReadDocuments<TMessage>(scoped ref TMessage message, ref Computation computation)
        where TMessage : struct, IMessageView, allows ref struct
    {
        if (Program.Body is { } body)
        {
            computation.Body = ReadBody(ref message);
            var slots = _values.AsSpan(Program.FirstBody, body.SlotCount);
            JsonSlots.Read(body, computation.Body, slots, TextSource.Body, _scratch);
        }
        if (Program.Twin is { } twin)
        {
            computation.Twin = message.ReadTwin(_scratch);
            var slots = _values.AsSpan(Program.FirstTwin, twin.SlotCount);
            JsonSlots.Read(twin, computation.Twin, slots, TextSource.Twin, _scratch);
            foreach (ref var slot in slots)
            {
                // What a twin does not have is no null: a condition on it must not come true by that.
                if (slot.Kind == ValueKind.Missing)
                    slot.Kind = ValueKind.Undefined;
            }
        }
        computation.Run(Program.Code.AsSpan(Program.DocumentCode), Program.FirstComputed + Program.DocumentCode);
        _areDocumentsRead = true;
    }

    /// <summary>The body in UTF-8; empty when it does not count as JSON.</summary>
    private ReadOnlySpan<byte> ReadBody<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var type = message.ReadSystemProperty(ContentType, _scratch);
        if (type.Kind != ValueKind.Text)
            return [];
        var encoding = message.ReadSystemProperty(ContentEncoding, _scratch);
        var bytes = message.Bytes;
        return BodyText.EncodingOf(Text(bytes, type), Text(bytes, encoding)) is { } found
            ? BodyText.Utf8(message.ReadBody(_scratch), found, _scratch)
            : [];
    }

    private ReadOnlySpan<byte> Text(ReadOnlySpan<byte> message, MessageText text) => text.Kind != ValueKind.Text
        ? []
        : (text.Source == TextSource.Scratch ? _scratch.Written : message).Slice(text.Start, text.Length);
}
