using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Many conditions as one flat program: what they have in common is computed once a message, all properties are found
/// in one walk over them, and all paths of the body in one pass over it. Immutable; see <see cref="RouteEvaluator"/>.
/// </summary>
/// <remarks>
/// Values are numbered: literals, properties, system properties, paths of the body, paths of the twin, then a value for
/// each instruction, those that need a document last.
/// </remarks>
public sealed class RouteProgram
{
    private readonly Dictionary<(int Condition, int Node), int> _merged = [];
    private readonly NodeList _nodes = new();
    private readonly int[] _layout;

    public RouteProgram(IReadOnlyList<Condition> conditions)
    {
        foreach (var (index, condition) in conditions.Index())
            Merge(index, condition);
        var needsDocument = FindDocuments();
        var layout = new int[_nodes.Count];
        var next = LayOutLiterals(layout, out var literals, out var values);
        _layout = layout;
        Literals = literals;
        FirstProperty = next;
        PropertyNames = new NameIndex(LayOut(layout, Op.Property, ref next), ignoreCase: true);
        FirstSystem = next;
        SystemNames = [.. LayOut(layout, Op.System, ref next).Select(SystemPropertyName.Of)];
        FirstBody = next;
        Body = Document(layout, Op.Body, ref next);
        FirstTwin = next;
        Twin = Document(layout, Op.Twin, ref next);
        FirstComputed = next;
        var code = new List<Instruction>();
        Emit(code, layout, needsDocument, wanted: false);
        DocumentCode = code.Count;
        Emit(code, layout, needsDocument, wanted: true);
        Code = [.. code];
        Template = new Value[FirstComputed + Code.Length];
        values.CopyTo(Template, 0);
        Roots = [.. conditions.Select((condition, index) => RootOf(condition, index, layout, needsDocument))];
    }

    /// <summary>How many conditions there are.</summary>
    public int Count => Roots.Length;

    /// <summary>True when a condition asks for the body.</summary>
    public bool UsesBody => Body is not null;

    /// <summary>True when a condition asks for the sender's twin.</summary>
    public bool UsesTwin => Twin is not null;

    /// <summary>True when a condition asks for an application property.</summary>
    public bool UsesProperties => PropertyNames.Count > 0;

    /// <summary>What the conditions depend on besides the sender.</summary>
    public MessageParts Parts
    {
        get
        {
            var parts = UsesProperties ? MessageParts.ApplicationProperties : MessageParts.None;
            foreach (var name in SystemNames)
                parts |= MessagePartsOf(name.Property);
            return UsesBody || UsesTwin ? parts | MessageParts.Unrepeatable : parts;
        }
    }

    /// <summary>True when a condition asks who sent the message.</summary>
    public bool DependsOnSender => SystemNames.Any(static name => MessagePartsOf(name.Property) == MessageParts.None);

    /// <summary>The system properties that conditions ask for.</summary>
    public IReadOnlyList<SystemPropertyName> SystemNames { get; }

    internal byte[] Literals { get; }

    internal NameIndex PropertyNames { get; }

    internal JsonTrie? Body { get; }

    internal JsonTrie? Twin { get; }

    internal int FirstProperty { get; }

    internal int FirstSystem { get; }

    internal int FirstBody { get; }

    internal int FirstTwin { get; }

    internal int FirstComputed { get; }

    /// <summary>The first instruction that needs a document.</summary>
    internal int DocumentCode { get; }

    internal Instruction[] Code { get; }

    /// <summary>All values before a message is seen.</summary>
    internal Value[] Template { get; }

    internal ProgramRoot[] Roots { get; }

    /// <summary>The number of the value of a condition's node.</summary>
    internal int NumberOf(int condition, int node) => _layout[_merged[(condition, node)]];

    private static MessageParts MessagePartsOf(SystemProperty property) => property switch
    {
        SystemProperty.EnqueuedTime => MessageParts.Unrepeatable,
        >= SystemProperty.ContentType and <= SystemProperty.To => MessageParts.Properties,
        SystemProperty.CreationTime => MessageParts.Properties | MessageParts.ApplicationProperties,
        SystemProperty.Subject or SystemProperty.InterfaceId => MessageParts.Annotations,
        _ => MessageParts.None,
    };

    private void Merge(int index, Condition condition)
    {
        for (var i = 0; i < condition.Nodes.Count; i++)
        {
            var node = condition.Nodes[i];
            if (!node.IsLeaf)
            {
                node = node with
                {
                    A = _merged[(index, node.A)],
                    B = node.B < 0 ? -1 : _merged[(index, node.B)],
                    C = node.C < 0 ? -1 : _merged[(index, node.C)],
                };
            }
            _merged[(index, i)] = _nodes.Add(node);
        }
    }

    private bool[] FindDocuments()
    {
        var needs = new bool[_nodes.Count];
        for (var i = 0; i < needs.Length; i++)
        {
            var node = _nodes[i];
            needs[i] = node.Op is Op.Body or Op.Twin
                || (!node.IsLeaf
                    && (needs[node.A] || (node.B >= 0 && needs[node.B]) || (node.C >= 0 && needs[node.C])));
        }
        return needs;
    }

    private int LayOutLiterals(int[] layout, out byte[] literals, out Value[] values)
    {
        var bytes = new List<byte>();
        var all = new List<Value>();
        for (var i = 0; i < _nodes.Count; i++)
        {
            var node = _nodes[i];
            if (node.Op != Op.Literal)
                continue;
            layout[i] = all.Count;
            var value = default(Value);
            if (node.A == -2)
                value.Kind = ValueKind.Undefined;
            else if (node.Type == ConditionType.Null)
                value.Kind = ValueKind.Null;
            else if (node.Type == ConditionType.Bool)
                value.Set(node.A == 1);
            else if (node.Type == ConditionType.Number)
                value.Set(node.Number);
            else
            {
                var text = Encoding.UTF8.GetBytes(node.Text!);
                value.Set(TextSource.Literals, bytes.Count, text.Length);
                bytes.AddRange(text);
            }
            all.Add(value);
        }
        (literals, values) = ([.. bytes], [.. all]);
        return all.Count;
    }

    private List<string> LayOut(int[] layout, Op op, ref int next)
    {
        var names = new List<string>();
        for (var i = 0; i < _nodes.Count; i++)
        {
            if (_nodes[i].Op != op)
                continue;
            layout[i] = next++;
            names.Add(_nodes[i].Text!);
        }
        return names;
    }

    private JsonTrie? Document(int[] layout, Op op, ref int next)
    {
        var paths = LayOut(layout, op, ref next);
        if (paths.Count == 0)
            return null;
        var trie = new JsonTrie();
        foreach (var path in paths)
            trie.Add(path);
        trie.Seal();
        return trie;
    }

    /// <summary>
    /// Adds the instructions that need a document, or those that do not: by their depth, so that operands come first,
    /// and those of one kind in a row.
    /// </summary>
    private void Emit(List<Instruction> code, int[] layout, bool[] needsDocument, bool wanted)
    {
        var depths = new int[_nodes.Count];
        var wantedNodes = new List<int>();
        for (var i = 0; i < depths.Length; i++)
        {
            var node = _nodes[i];
            if (node.IsLeaf)
                continue;
            foreach (var operand in (ReadOnlySpan<int>)[node.A, node.B, node.C])
                depths[i] = Math.Max(depths[i], operand < 0 ? 0 : depths[operand] + 1);
            if (needsDocument[i] == wanted)
                wantedNodes.Add(i);
        }
        foreach (var i in wantedNodes.OrderBy(i => depths[i]).ThenBy(i => _nodes[i].Op).ThenBy(i => _nodes[i].A))
        {
            var node = _nodes[i];
            layout[i] = FirstComputed + code.Count;
            code.Add(new Instruction(
                node.Op,
                layout[node.A],
                node.B < 0 ? 0 : layout[node.B],
                node.C < 0 ? 0 : layout[node.C]));
        }
    }

    private ProgramRoot RootOf(Condition condition, int index, int[] layout, bool[] needsDocument)
    {
        var root = _merged[(index, condition.Root)];
        var node = _nodes[root];
        var isNullFalse = node.Type == ConditionType.Null;
        if (!needsDocument[root])
            return new ProgramRoot(layout[root], isNullFalse, false, []);
        // The condition can only be true when all that it joins by AND is: so without a look at the document when not.
        var guards = new List<int>();
        var open = new Stack<int>([root]);
        while (open.TryPop(out var at))
        {
            if (!needsDocument[at])
                guards.Add(layout[at]);
            else if (_nodes[at].Op == Op.And)
            {
                open.Push(_nodes[at].A);
                open.Push(_nodes[at].B);
            }
        }
        return new ProgramRoot(layout[root], isNullFalse, true, [.. guards]);
    }
}

/// <summary>One step: operands are numbers of values, and so is, implicitly, the result.</summary>
internal readonly record struct Instruction(Op Op, int A, int B, int C);

/// <summary>Where the value of a condition is found.</summary>
/// <param name="Value">Its number.</param>
/// <param name="IsNullFalse">True when it is null by its type, which counts as false.</param>
/// <param name="NeedsDocument">True when it needs the body or the twin.</param>
/// <param name="Guards">Values that must be true before a document is worth a look.</param>
internal readonly record struct ProgramRoot(int Value, bool IsNullFalse, bool NeedsDocument, int[] Guards);
