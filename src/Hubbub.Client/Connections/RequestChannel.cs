using System.Globalization;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// Requests and answers with a node such as <c>$cbs</c> or <c>$management</c>: a sending and a receiving link, answers
/// matched by correlation-id.
/// </summary>
internal sealed class RequestChannel : IDeliverySink
{
    private readonly AmqpClientConnection _connection;
    private readonly string _node;
    private readonly string _replyTo = Guid.NewGuid().ToString();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TaskCompletionSource<Response>> _waiting = [];
    private readonly SendQueue _requests;
    private readonly SendingLink _sender;
    private readonly ReceivingLink _receiver;
    private HubbubException? _end;
    private long _nextId;

    private RequestChannel(AmqpClientConnection connection, string node)
    {
        _connection = connection;
        _node = node;
        _requests = new SendQueue(node, ClientLimits.RequestsMax, connection.Options, LinkLoss.End, static () => { });
        _sender = new SendingLink(_requests);
        _receiver = new ReceivingLink(node, this, ClientLimits.RequestCredit);
    }

    /// <summary>Why no more requests can be made; null while they can.</summary>
    public HubbubException? End => Volatile.Read(ref _end) ?? _requests.End;

    public static async Task<RequestChannel> OpenAsync(
        AmqpClientConnection connection, ClientSession session, string node, CancellationToken cancellationToken)
    {
        var channel = new RequestChannel(connection, node);
        try
        {
            await connection.AttachAsync(session, channel._sender, new Attach
            {
                Name = $"{node}-sender-{channel._replyTo}",
                Handle = 0,
                Role = Role.Sender,
                Source = new Source { Address = AmqpValue.From(channel._replyTo) },
                Target = new Target { Address = AmqpValue.From(node) },
            }, cancellationToken).ConfigureAwait(false);
            await connection.AttachAsync(session, channel._receiver, new Attach
            {
                Name = $"{node}-receiver-{channel._replyTo}",
                Handle = 0,
                Role = Role.Receiver,
                Source = new Source { Address = AmqpValue.From(node) },
                Target = new Target { Address = AmqpValue.From(channel._replyTo) },
            }, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            channel.Close();
            throw;
        }
        return channel;
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <param name="properties">The application-properties: operation, type, name and so on.</param>
    /// <param name="body">The amqp-value.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HubbubException">Refused, lost or too late.</exception>
    public async Task<Response> CallAsync(AmqpMap properties, AmqpValue body, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<Response>(TaskCreationOptions.RunContinuationsAsynchronously);
        string id;
        lock (_gate)
        {
            if (_end is { } end)
                throw end;
            id = (++_nextId).ToString(CultureInfo.InvariantCulture);
            _waiting.Add(id, answer);
        }
        try
        {
            var request = new Request(id, _node, _replyTo, properties, body);
            // A refused request gets no answer, so its fault ends the wait; the answer may come before the outcome.
            var sent = _requests.SendAsync(request, cancellationToken).AsTask();
            if (await Task.WhenAny(sent, answer.Task).ConfigureAwait(false) == sent)
                await sent.ConfigureAwait(false);
            await _connection.WaitAsync(answer.Task, _node, "the answer", cancellationToken).ConfigureAwait(false);
            var response = await answer.Task.ConfigureAwait(false);
            return response.IsSuccess ? response : throw Refused(response);
        }
        finally
        {
            lock (_gate)
                _waiting.Remove(id);
        }
    }

    private void Close()
    {
        _connection.Detach(_sender);
        _connection.Detach(_receiver);
    }

    void IDeliverySink.OnDelivery(in IncomingDelivery delivery)
    {
        var unsettled = delivery.Settled ? default((uint, uint)?) : (delivery.Id, delivery.Id);
        _receiver.Release(delivery.Settled ? 1u : 0, unsettled, ClientLimits.RequestCredit);
        if (Response.TryRead(delivery.Payload.ToArray(), out var id, out var response))
        {
            lock (_gate)
            {
                if (_waiting.TryGetValue(id, out var answer))
                    answer.TrySetResult(response);
            }
        }
    }

    void IDeliverySink.OnDelivered()
    {
    }

    void IDeliverySink.OnEnded(HubbubException end)
    {
        lock (_gate)
        {
            _end ??= end;
            foreach (var answer in _waiting.Values)
            {
                answer.TrySetException(end);
                _ = answer.Task.Exception;
            }
        }
    }

    // What the status of a CBS or management answer means as a condition, when it names none itself.
    private HubbubException Refused(Response response)
    {
        var condition = response.ErrorCondition ?? response.Status switch
        {
            400 => ErrorCondition.InvalidField,
            401 => ErrorCondition.UnauthorizedAccess,
            403 => ErrorCondition.NotAllowed,
            404 => ErrorCondition.NotFound,
            408 or 504 => "com.microsoft:timeout",
            429 or 503 => "com.microsoft:server-busy",
            _ => ErrorCondition.InternalError,
        };
        var text = response.Description is { Length: > 0 } description
            ? $"{description.TrimEnd('.')} (status {response.Status})"
            : $"status {response.Status}";
        return HubbubException.From(new AmqpError { Condition = condition, Description = text }, _node);
    }

    private sealed class Request(string id, string node, string replyTo, AmqpMap properties, AmqpValue body) : ISendable
    {
        public uint MessageFormat => MessageFormats.Amqp;

        public void Encode(ByteBuffer buffer) => new OutgoingMessage
        {
            Properties = new Properties
            {
                MessageId = AmqpValue.From(id),
                To = AmqpValue.From(node),
                ReplyTo = AmqpValue.From(replyTo),
            },
            ApplicationProperties = properties,
            Value = body,
        }.Write(buffer);
    }
}

/// <summary>An answer of a node.</summary>
internal sealed class Response
{
    private Response(int status, string? description, string? errorCondition, AmqpValue? body) =>
        (Status, Description, ErrorCondition, Body) = (status, description, errorCondition, body);

    public int Status { get; }

    public string? Description { get; }

    public string? ErrorCondition { get; }

    /// <summary>The amqp-value; null when the body is something else.</summary>
    public AmqpValue? Body { get; }

    public bool IsSuccess => Status is >= 200 and < 300;

    /// <param name="message">The encoded message, which the response keeps.</param>
    /// <param name="correlationId">The request's id.</param>
    /// <param name="response">The answer.</param>
    public static bool TryRead(ReadOnlyMemory<byte> message, out string correlationId, out Response response)
    {
        (correlationId, response) = ("", null!);
        if (!MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out _)
            || sections.ReadProperties()?.CorrelationId is not { } id || !id.TryGetString(out var text))
            return false;
        correlationId = text;
        var properties = sections.ApplicationProperties.GetValueOrDefault();
        // Old services write the names without hyphens (eventhubs.md 2.3).
        if (!(properties.TryGet("status-code", out var code) || properties.TryGet("statusCode", out code))
            || !code.TryGetInt32(out var status))
            return false;
        string? description = null, condition = null;
        if (properties.TryGet("status-description", out var value) || properties.TryGet("statusDescription", out value))
            value.TryGetString(out description);
        if (properties.TryGet("error-condition", out value) || properties.TryGet("errorCondition", out value))
            value.TryGetString(out condition, orSymbol: true);
        response = new Response(status, description, condition, sections.Value);
        return true;
    }
}
