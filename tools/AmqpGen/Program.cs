// Generates Hubbub.Amqp's performatives from the OASIS XML: AmqpGen <spec folder> <output folder>
using AmqpGen;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: AmqpGen <folder of the *.bare.xml files> <folder of Hubbub.Amqp>");
    return 2;
}
foreach (var (name, text) in Emitter.Emit(args[0]))
{
    var path = Path.Combine(args[1], name);
    File.WriteAllText(path, text);
    Console.WriteLine(path);
}
return 0;
