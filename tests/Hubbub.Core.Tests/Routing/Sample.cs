using System.Text.Json;
using System.Text.Json.Nodes;
using Hubbub.Core.Routing;

namespace Hubbub.Core.Tests.Routing;

/// <summary>Messages for tests.</summary>
internal static class Sample
{
    public static SampleMessage Of(string name, string value) => Of(new JsonObject { [name] = value });

    public static SampleMessage Of(JsonObject application) =>
        SampleMessage.Read(JsonDocument.Parse(new JsonObject { ["app"] = application }.ToJsonString()).RootElement).Value;
}
