using System.Net;
using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Core.Tests.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Security;

/// <summary>A hub with a registry, policies and a clock, and the tokens that clients would make for it.</summary>
internal sealed class TestHub
{
    public const string Host = "Factory.Example.org";
    public const string Entity = "iothub-ehub-factory-1234567-0123456789";

    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private TestHub(IdentityRegistry registry, TimeSpan? clockSkew)
    {
        Registry = registry;
        Identity = new HubIdentity([Host, "gateway.local", "10.1.2.3"], Entity);
        PolicyRegistry = new PolicyRegistry(
            new MemoryIdentityStore(), new HubSettings { EntityName = Entity, CreatedAt = Now, Policies = Policies });
        Authenticator = new Authenticator(Identity, registry, PolicyRegistry, Time, clockSkew);
    }

    public FakeTimeProvider Time { get; } = new(Now);

    public AccessPolicies Policies { get; } = AccessPolicies.CreateDefault();

    public PolicyRegistry PolicyRegistry { get; }

    public HubIdentity Identity { get; }

    public IdentityRegistry Registry { get; }

    public Authenticator Authenticator { get; }

    /// <summary>Seconds since 1970 of an hour from now.</summary>
    public static long InOneHour => Now.AddHours(1).ToUnixTimeSeconds();

    public static async Task<TestHub> StartAsync(string[] deviceIds, TimeSpan? clockSkew = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), new FakeTimeProvider(Now), cancellation);
        var hub = new TestHub(registry, clockSkew);
        foreach (var id in deviceIds)
            Assert.True((await registry.CreateDeviceAsync(new() { DeviceId = id }, cancellation)).IsOk);
        return hub;
    }

    public static string Sign(string key, string resource, long expiry) => Sign(Convert.FromBase64String(key), resource, $"{expiry}");

    public static string Sign(byte[] key, string resource, string expiry) =>
        Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{resource}\n{expiry}")));

    /// <summary>A token as the service's documentation shows it, over a raw resource.</summary>
    public static string Token(string key, string resource, string? policy = null, long? expiry = null)
    {
        var se = expiry ?? InOneHour;
        var sig = Uri.EscapeDataString(Sign(key, resource, se));
        return $"SharedAccessSignature sr={resource}&sig={sig}&se={se}{(policy is null ? "" : "&skn=" + policy)}";
    }

    public string Key(string deviceId) => Registry.FindDevice(deviceId)!.Authentication.Keys!.Primary.Reveal();

    public string PolicyKey(string name) => Policies.Find(name)!.Keys.Primary.Reveal();

    public string DeviceToken(string deviceId) =>
        Token(Key(deviceId), Uri.EscapeDataString($"{Host}/devices/{deviceId}"));

    public string PolicyToken(string policy, string resource) =>
        Token(PolicyKey(policy), WebUtility.UrlEncode(resource), policy);

    public Claim PolicyClaim(string policy, string resource) => Authenticator.Verify(PolicyToken(policy, resource)).Value;

    public async Task<ModuleIdentity> AddModuleAsync(string deviceId, string moduleId) =>
        (await Registry.CreateModuleAsync(
            new() { DeviceId = deviceId, ModuleId = moduleId }, TestContext.Current.CancellationToken)).Value;
}
