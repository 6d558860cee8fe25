using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>The tables of the hub's settings, policies and consumer groups. Used on the writer's thread only.</summary>
internal sealed class SettingsTables(SqliteConnection connection, KeyCipher cipher) : IDisposable
{
    private readonly PreparedCommand _putHub = new(
        connection,
        """
        INSERT INTO hub (id, entity_name, created_ticks) VALUES (1, $p0, $p1)
        ON CONFLICT (id) DO UPDATE SET entity_name = $p0, created_ticks = $p1
        """);

    private readonly PreparedCommand _deletePolicies = new(connection, "DELETE FROM policy");
    private readonly PreparedCommand _putPolicy =
        new(connection, "INSERT INTO policy (name, position, rights, keys) VALUES ($p0, $p1, $p2, $p3)");

    private readonly PreparedCommand _putGroup = new(
        connection,
        "INSERT OR REPLACE INTO consumer_group (entity_name, name, created_ticks) VALUES ($p0, $p1, $p2)");

    private readonly PreparedCommand _deleteGroup =
        new(connection, "DELETE FROM consumer_group WHERE entity_name = $p0 AND name = $p1");

    public HubSettings? LoadSettings()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT entity_name, created_ticks FROM hub";
        using var row = command.ExecuteReader();
        if (!row.Read())
            return null;
        return new HubSettings
        {
            EntityName = row.GetString(0),
            CreatedAt = new DateTimeOffset(row.GetInt64(1), TimeSpan.Zero),
            Policies = new AccessPolicies(LoadPolicies()),
        };
    }

    public void Save(HubSettings settings)
    {
        _putHub.Execute(settings.EntityName, settings.CreatedAt.UtcTicks);
        _deletePolicies.Execute();
        for (var i = 0; i < settings.Policies.All.Length; i++)
        {
            var policy = settings.Policies.All[i];
            var keys = cipher.Encrypt(policy.Keys, RecordOf(policy.Name));
            _putPolicy.Execute(policy.Name, (long)i, (long)policy.Rights, keys);
        }
    }

    public IReadOnlyList<ConsumerGroup> LoadConsumerGroups()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT entity_name, name, created_ticks FROM consumer_group ORDER BY created_ticks";
        using var row = command.ExecuteReader();
        List<ConsumerGroup> groups = [];
        while (row.Read())
            groups.Add(new(row.GetString(0), row.GetString(1), new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero)));
        return groups;
    }

    public void Put(ConsumerGroup group) => _putGroup.Execute(group.EntityName, group.Name, group.CreatedAt.UtcTicks);

    public void Delete(ConsumerGroup group) => _deleteGroup.Execute(group.EntityName, group.Name);

    public void Dispose()
    {
        foreach (var command in new[] { _putHub, _deletePolicies, _putPolicy, _putGroup, _deleteGroup })
            command.Dispose();
    }

    private List<AccessPolicy> LoadPolicies()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name, rights, keys FROM policy ORDER BY position";
        using var row = command.ExecuteReader();
        List<AccessPolicy> policies = [];
        while (row.Read())
        {
            var name = row.GetString(0);
            var keys = cipher.Decrypt(row.GetFieldValue<byte[]>(2), RecordOf(name));
            policies.Add(new AccessPolicy(name, (AccessRights)row.GetInt32(1), keys));
        }
        return policies;
    }

    private static string RecordOf(string policyName) => $"policy '{policyName}'";
}
