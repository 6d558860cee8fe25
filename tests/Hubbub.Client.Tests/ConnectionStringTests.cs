namespace Hubbub.Client.Tests;

public sealed class ConnectionStringTests
{
    [Fact]
    public void Parse_Device_TakesItsParts()
    {
        var device = ConnectionString.Parse(
            $"HostName=hub.example;DeviceId=a=b@c;SharedAccessKey={Some.Key};GatewayHostName=edge");

        Assert.Equal(ConnectionStringKind.Device, device.Kind);
        Assert.Equal("hub.example", device.HostName);
        Assert.Equal("a=b@c", device.DeviceId);
        Assert.Null(device.ModuleId);
        Assert.Equal(Some.Key, device.SharedAccessKey);
        Assert.Equal("edge", device.GatewayHostName);
        Assert.Equal((5671, 443), (device.AmqpPort, device.HttpsPort));
        Assert.Null(device.CaFile);
    }

    [Fact]
    public void Parse_Module_HasDeviceAndModule()
    {
        var module = ConnectionString.Parse($"HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey={Some.Key}");

        Assert.Equal(("d", "m"), (module.DeviceId, module.ModuleId));
    }

    [Fact]
    public void Parse_Service_TakesThePolicyAndHubbubsOwnKeys()
    {
        var service = ConnectionString.Parse(
            $"hostname=h;sharedaccesskeyname=service;SHAREDACCESSKEY={Some.Key};"
            + "HttpsPort=8443;AmqpsPort=15671;CaFile=/ca.pem");

        Assert.Equal(ConnectionStringKind.Service, service.Kind);
        Assert.Equal("service", service.PolicyName);
        Assert.Equal((15671, 8443, "/ca.pem"), (service.AmqpPort, service.HttpsPort, service.CaFile));
    }

    [Theory]
    [InlineData("Endpoint=sb://ns.example/;", "ns.example", 5671, false)]
    [InlineData("Endpoint=sb://ns.example:7777/;", "ns.example", 7777, false)]
    [InlineData("Endpoint=sb://localhost;UseDevelopmentEmulator=true;", "localhost", 5672, true)]
    [InlineData("Endpoint=sb://localhost:9999;UseDevelopmentEmulator=true;", "localhost", 9999, true)]
    [InlineData("Endpoint=sb://localhost;UseDevelopmentEmulator=false;", "localhost", 5671, false)]
    public void Parse_EventHubs_FindsHostAndPort(string start, string host, int port, bool isPlain)
    {
        var events = ConnectionString.Parse(
            $"{start}SharedAccessKeyName=service;SharedAccessKey=any text;EntityPath=eh");

        Assert.Equal(ConnectionStringKind.EventHubs, events.Kind);
        Assert.Equal((host, port, isPlain), (events.HostName, events.AmqpPort, events.UsesDevelopmentEmulator));
        Assert.Equal(("eh", "any text"), (events.EntityPath, events.SharedAccessKey));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("HostName", "no key=value")]
    [InlineData("HostName=h;HostName=h", "HostName is there twice")]
    [InlineData("HostName=h;GatewayHostName=a b;DeviceId=d;SharedAccessKey=QQ==", "GatewayHostName is no host name")]
    [InlineData("HostName=h;DeviceId=d;x509=yes", "x509 is neither true nor false")]
    [InlineData("HostName=h;DeviceId=d;x509=false", "either SharedAccessKey or SharedAccessSignature")]
    [InlineData("HostName=h;SharedAccessKeyName=p", "either SharedAccessKey or SharedAccessSignature")]
    [InlineData("HostName=h;DeviceId=d;ModuleId=a b;SharedAccessKey=QQ==", "ModuleId holds a character")]
    [InlineData("DeviceId=d;SharedAccessKey=QQ==", "HostName is missing")]
    [InlineData("HostName=h/x;DeviceId=d;SharedAccessKey=QQ==", "no host name")]
    [InlineData("HostName=h;DeviceId=d", "either SharedAccessKey or SharedAccessSignature")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessKey=not base64!", "not base64")]
    [InlineData("HostName=h;DeviceId=a b;SharedAccessKey=QQ==", "DeviceId holds a character")]
    [InlineData("HostName=h;ModuleId=m;SharedAccessKey=QQ==", "without DeviceId")]
    [InlineData("HostName=h;SharedAccessKey=QQ==", "SharedAccessKeyName")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessSignature=nonsense", "no token")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessKey=QQ==;AmqpsPort=0", "AmqpsPort is no port")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessKey=QQ==;HttpsPort=70000", "HttpsPort is no port")]
    [InlineData("Endpoint=https://h/;SharedAccessKeyName=p;SharedAccessKey=k;EntityPath=e", "sb://")]
    [InlineData("Endpoint=sb://h:x/;SharedAccessKeyName=p;SharedAccessKey=k;EntityPath=e", "port of Endpoint")]
    [InlineData("Endpoint=sb://h/;SharedAccessKey=k;EntityPath=e", "SharedAccessKeyName")]
    [InlineData(
        "Endpoint=sb://h/;UseDevelopmentEmulator=maybe;SharedAccessKeyName=p;SharedAccessKey=k;EntityPath=e",
        "neither")]
    public void Parse_WhatCannotBeUsed_SaysWhy(string text, string why)
    {
        var refused = Assert.Throws<FormatException>(() => ConnectionString.Parse(text));

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForDevice_TakesIdsThatATextCouldNotHold()
    {
        var to = ConnectionString.ForDevice("hub.example", "a;b", Some.Key, 15671);
        await using var device = DeviceClient.Create(to);

        Assert.Equal(("a;b", 15671), (device.DeviceId, to.AmqpPort));
    }

    [Fact]
    public void ToString_NeverHoldsTheSecret()
    {
        Assert.Equal("HostName=hub.example;DeviceId=d1", ConnectionString.Parse(Some.Device).ToString());
        Assert.Equal(
            "HostName=hub.example;SharedAccessKeyName=service", ConnectionString.Parse(Some.Service).ToString());
        Assert.DoesNotContain(Some.Key, ConnectionString.Parse(Some.EventHubs).ToString(), StringComparison.Ordinal);
        var misspelt = Assert.Throws<FormatException>(
            () => ConnectionString.Parse($"HostName=h;DeviceId=d;SharedAccessKey={Some.Key}*"));
        Assert.DoesNotContain(Some.Key, misspelt.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HostName=my-hub.azure-devices.net;DeviceId=dev-1;SharedAccessKey=QUJD", ConnectionStringKind.Device)]
    [InlineData("HostName=my-hub.azure-devices.net;DeviceId=dev-1;ModuleId=m;SharedAccessKey=QUJD;GatewayHostName=edge-1",
        ConnectionStringKind.Device)]
    [InlineData("HostName=my-hub.azure-devices.net;DeviceId=dev-1;x509=true", ConnectionStringKind.Device)]
    [InlineData("HostName=my-hub.azure-devices.net;DeviceId=dev-1;SharedAccessKeyName=device;SharedAccessKey=QUJD",
        ConnectionStringKind.Device)]
    [InlineData(
        "HostName=my-hub.azure-devices.net;DeviceId=d;SharedAccessSignature=SharedAccessSignature sr=a&sig=b%3D&se=1893456000",
        ConnectionStringKind.Device)]
    [InlineData("HostName=my-hub.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=QUJD",
        ConnectionStringKind.Service)]
    [InlineData("Endpoint=sb://ihsuproddbres001.servicebus.windows.net/;SharedAccessKeyName=iothubowner;"
        + "SharedAccessKey=QUJD=;EntityPath=iothub-ehub-my-hub-1-abc", ConnectionStringKind.EventHubs)]
    [InlineData("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=QUJD=",
        ConnectionStringKind.EventHubs)]
    public void Parse_AsAzuresPortalShowsThem_TakesAll(string text, ConnectionStringKind kind)
    {
        var parsed = ConnectionString.Parse(text);

        Assert.Equal(kind, parsed.Kind);
        Assert.DoesNotContain("QUJD", parsed.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", parsed.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HostName=h;DeviceId=d;SharedAccessKey={0}*")]
    [InlineData("HostName=h;DeviceId=d;{0}=;{0}=")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessKey={0};SharedAccessKey={0}")]
    [InlineData("HostName=h;DeviceId=d;SharedAccessSignature=SharedAccessSignature sig={0}")]
    [InlineData("HostName=h;SharedAccessKey={0}")]
    [InlineData("HostName={0}=/;DeviceId=d;SharedAccessKey=QQ==")]
    [InlineData("{0}")]
    public void Parse_WhatCannotBeUsed_NeverTellsTheSecret(string format)
    {
        const string Secret = "c2VjcmV0IG9mIHRoZSBkZXZpY2U";
        var text = format.Replace("{0}", Secret, StringComparison.Ordinal);

        var refused = Assert.Throws<FormatException>(() => ConnectionString.Parse(text));

        Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task EventHubsString_OfAWholeNamespace_NeedsTheEventHubsNameOnce()
    {
        const string Namespace = "Endpoint=sb://ns.example/;SharedAccessKeyName=p;SharedAccessKey=k";

        var none = Assert.Throws<FormatException>(() => EventReader.CreateFromConnectionString(Namespace));
        var two = Assert.Throws<FormatException>(() => EventReader.CreateFromConnectionString(
            $"{Namespace};EntityPath=a", new() { EventHub = "b" }));
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub, Namespace, new() { EventHub = FakeHub.EntityPath });
        var properties = await reader.GetPropertiesAsync(Some.Patience);

        Assert.Contains("EventHub in the options", none.Message, StringComparison.Ordinal);
        Assert.Contains("twice", two.Message, StringComparison.Ordinal);
        Assert.Equal(FakeHub.EntityPath, properties.Name);
        Assert.Contains("sr=sb%3A%2F%2Fns.example%2Fevents-1&", hub.Last.Tokens[0], StringComparison.Ordinal);
    }
}
