using CsCheck;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Spec;

namespace Hubbub.Amqp.Tests.Properties;

/// <summary>Every performative with any choice of its fields comes back as it was written.</summary>
public sealed class PerformativeProperties
{
    private static readonly Gen<string> Name = Gen.String[Gen.Char['a', 'z'], 0, 40];
    private static readonly Gen<Symbol[]?> Symbols = Name.Select(n => new Symbol(n)).Array[0, 5].Null();
    private static readonly Gen<AmqpMap?> Map = Name.Array[0, 5].Select(names =>
    {
        var builder = new AmqpMapBuilder();
        foreach (var name in names.Distinct())
            builder.Add(name, name);
        return builder.Build();
    }).Nullable();

    private static readonly Gen<AmqpValue?> Id = Gen.OneOf(
        Gen.ULong.Select(AmqpValue.From), Gen.Guid.Select(AmqpValue.From), Name.Select(AmqpValue.From)).Nullable();

    private static readonly Gen<ReadOnlyMemory<byte>?> Binary = Gen.Byte.Array[0, 40].Select(b =>
        new ReadOnlyMemory<byte>(b)).Nullable();

    private static readonly Gen<AmqpError?> Error = Gen.Select(Name, Name.Null(), Map)
        .Select((condition, text, info) => new AmqpError { Condition = condition, Description = text, Info = info })
        .Null();

    private static readonly Gen<DeliveryState?> State = Gen.OneOf<DeliveryState>(
        Gen.Const<DeliveryState>(Accepted.Instance),
        Gen.Const<DeliveryState>(Released.Instance),
        Error.Select(DeliveryState (error) => new Rejected { Error = error }),
        Gen.Select(Gen.Bool.Nullable(), Gen.Bool.Nullable(), Map).Select(DeliveryState (failed, here, notes) =>
            new Modified { DeliveryFailed = failed, UndeliverableHere = here, MessageAnnotations = notes }),
        Gen.Select(Gen.UInt, Gen.ULong).Select(DeliveryState (section, offset) =>
            new Received { SectionNumber = section, SectionOffset = offset })).Null();

    private static readonly Gen<Terminus?> Terminus = Gen.OneOf<Terminus>(
        Gen.Select(Id, Gen.UInt, Gen.Bool, Map, State, Symbols).Select(
            Terminus (address, timeout, dynamic, filter, outcome, symbols) => new Source
            {
                Address = address,
                Timeout = timeout,
                Dynamic = dynamic,
                Filter = filter,
                DefaultOutcome = outcome,
                Outcomes = symbols,
            }),
        Gen.Select(Id, Gen.UInt, Map, Symbols).Select(Terminus (address, timeout, properties, symbols) =>
            new Target
            {
                Address = address,
                Timeout = timeout,
                DynamicNodeProperties = properties,
                Capabilities = symbols,
                Durable = TerminusDurability.UnsettledState,
            }),
        Symbols.Select(Terminus (symbols) => new Coordinator { Capabilities = symbols })).Null();

    [Fact]
    public void Transfer_ComesBack() => Check("transfer", Gen.Select(
        Gen.Select(Gen.UInt, Gen.UInt.Nullable(), Binary, Gen.UInt.Nullable()),
        Gen.Select(Gen.Bool.Nullable(), Gen.Bool, State, Gen.Bool, Gen.Bool),
        (a, b) => (object)new Transfer
        {
            Handle = a.Item1,
            DeliveryId = a.Item2,
            DeliveryTag = a.Item3,
            MessageFormat = a.Item4,
            Settled = b.Item1,
            More = b.Item2,
            State = b.Item3,
            Resume = b.Item4,
            Aborted = b.Item5,
        }));

    [Fact]
    public void Flow_ComesBack() => Check("flow", Gen.Select(
        Gen.Select(Gen.UInt.Nullable(), Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt.Nullable()),
        Gen.Select(Gen.UInt.Nullable(), Gen.UInt.Nullable(), Gen.UInt.Nullable(), Gen.Bool, Gen.Bool, Map),
        (a, b) => (object)new Flow
        {
            NextIncomingId = a.Item1,
            IncomingWindow = a.Item2,
            NextOutgoingId = a.Item3,
            OutgoingWindow = a.Item4,
            Handle = a.Item5,
            DeliveryCount = b.Item1,
            LinkCredit = b.Item2,
            Available = b.Item3,
            Drain = b.Item4,
            Echo = b.Item5,
            Properties = b.Item6,
        }));

    [Fact]
    public void Disposition_ComesBack() => Check("disposition", Gen.Select(
        Gen.Bool, Gen.UInt, Gen.UInt.Nullable(), Gen.Bool, State, (receiver, first, last, settled, state) =>
            (object)new Disposition
            {
                Role = receiver ? Role.Receiver : Role.Sender,
                First = first,
                Last = last,
                Settled = settled,
                State = state,
            }));

    [Fact]
    public void Attach_ComesBack() => Check("attach", Gen.Select(
        Gen.Select(Name, Gen.UInt, Gen.Bool, Gen.Enum<SenderSettleMode>(), Gen.Enum<ReceiverSettleMode>()),
        Gen.Select(Terminus, Terminus, Gen.UInt.Nullable(), Gen.ULong.Nullable(), Symbols, Map),
        (a, b) => (object)new Attach
        {
            Name = a.Item1,
            Handle = a.Item2,
            Role = a.Item3 ? Role.Receiver : Role.Sender,
            SndSettleMode = a.Item4,
            RcvSettleMode = a.Item5,
            Source = b.Item1,
            Target = b.Item2,
            InitialDeliveryCount = b.Item3,
            MaxMessageSize = b.Item4,
            DesiredCapabilities = b.Item5,
            Properties = b.Item6,
        }));

    [Fact]
    public void OpenBeginAndDetach_ComeBack()
    {
        Check("open", Gen.Select(Name, Name.Null(), Gen.UInt, Gen.UShort, Gen.UInt.Nullable(), Symbols, Map)
            .Select((id, host, frame, channel, idle, symbols, map) => (object)new Open
            {
                ContainerId = id,
                Hostname = host,
                MaxFrameSize = frame,
                ChannelMax = channel,
                IdleTimeOut = idle,
                OfferedCapabilities = symbols,
                Properties = map,
            }));
        Check("begin", Gen.Select(Gen.UShort.Nullable(), Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt, Symbols)
            .Select((channel, id, window, outgoing, handles, symbols) => (object)new Begin
            {
                RemoteChannel = channel,
                NextOutgoingId = id,
                IncomingWindow = window,
                OutgoingWindow = outgoing,
                HandleMax = handles,
                DesiredCapabilities = symbols,
            }));
        Check("detach", Gen.Select(Gen.UInt, Gen.Bool, Error).Select((handle, closed, error) =>
            (object)new Detach { Handle = handle, Closed = closed, Error = error }));
    }

    [Fact]
    public void Properties_ComeBack() => Check("properties", Gen.Select(
        Gen.Select(Id, Binary, Id, Name.Null()),
        Gen.Select(Gen.Long.Nullable(), Gen.UInt.Nullable(), Name.Null()),
        (a, b) => (object)new Performatives.Properties
        {
            MessageId = a.Item1,
            UserId = a.Item2,
            CorrelationId = a.Item3,
            Subject = a.Item4,
            ContentType = a.Item4 is { } type ? new Symbol(type) : default(Symbol?),
            CreationTime = b.Item1 is { } ms ? new Timestamp(ms) : null,
            GroupSequence = b.Item2,
            ReplyToGroupId = b.Item3,
        }));

    /// <summary>
    /// Written, read and written again: the same bytes, and every property the same where it can be compared.
    /// </summary>
    private static void Check(string name, Gen<object> values)
    {
        var composite = Composites.All[name];
        values.Sample(value =>
        {
            var written = composite.Write(value);
            var read = Wire.Read(written, (ref r) =>
            {
                r.ReadDescriptor();
                return composite.Read(r.ReadEncodedValue().ToArray());
            });
            return composite.Write(read).AsSpan().SequenceEqual(written) && IsSame(value, read);
        });
    }

    private static bool IsSame(object left, object right) => left.GetType().GetProperties()
        .Where(property => property.PropertyType.IsPrimitive || property.PropertyType == typeof(string))
        .All(property => Equals(property.GetValue(left), property.GetValue(right)));
}
