using System.Text;

namespace Hubbub.Amqp.Codec;

/// <summary>Reads of fields that may hold several symbols.</summary>
public static class SymbolReads
{
    /// <summary>Reads an array of symbols or a single one (AMQP 1.4).</summary>
    public static Symbol[] ReadSymbols(this ref AmqpReader reader)
    {
        if (reader.PeekFormatCode() is not (FormatCode.Array8 or FormatCode.Array32))
            return [reader.ReadSymbol()];
        // Reading it as a value has checked all of the array: its sizes, its count and its symbols.
        var array = reader.ReadEncodedValue().Span;
        var width = array[0] == FormatCode.Array8 ? 1 : 4;
        var count = ValueScanner.ReadSize(array, 1 + width, width);
        if (count > CodecLimits.SymbolsMax)
            throw AmqpException.Decode($"a field holds more than {CodecLimits.SymbolsMax} symbols");
        var position = 1 + (2 * width);
        var sizeWidth = array[position++] switch
        {
            FormatCode.Symbol8 => 1,
            FormatCode.Symbol32 => 4,
            _ => throw AmqpException.Decode("an array of symbols was expected"),
        };
        var symbols = new Symbol[count];
        for (var i = 0; i < count; i++)
        {
            var size = ValueScanner.ReadSize(array, position, sizeWidth);
            position += sizeWidth;
            symbols[i] = new(Encoding.ASCII.GetString(array.Slice(position, size)));
            position += size;
        }
        return symbols;
    }
}
