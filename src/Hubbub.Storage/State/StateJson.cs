using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Hubbub.Storage.State;

/// <summary>How lists are written into a column.</summary>
[JsonSerializable(typeof(ImmutableArray<string>))]
internal sealed partial class StateJson : JsonSerializerContext;
