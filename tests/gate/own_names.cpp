// SPDX-License-Identifier: Apache-2.0
// A program that has all these names itself includes every header, says `using namespace snpnv`, and means its own.
#define OWN_NAMES(X)                                                                                               \
  X(Address) X(Arguments) X(Array) X(Block) X(Buffer) X(Busy) X(Bytes) X(Cache) X(Cell) X(Channel) X(Client)       \
  X(Column) X(Command) X(Config) X(Connection) X(Context) X(Cookie) X(Counter) X(Cursor) X(Data) X(Database)       \
  X(Date) X(Decoder) X(Device) X(Directory) X(Document) X(Driver) X(Duration) X(Element) X(Encoder) X(Entry)       \
  X(Event) X(Exchange) X(Failed) X(Failure) X(Field) X(File) X(Filter) X(Firmware) X(Flag) X(Flags) X(Format)      \
  X(Frame) X(Graph) X(Group) X(Guard) X(Handle) X(Handler) X(Header) X(Host) X(Id) X(Image) X(Index) X(Input)      \
  X(Item) X(Iterator) X(Job) X(Key) X(Keys) X(Kind) X(Layout) X(Length) X(Level) X(Lexer) X(Limits) X(Line)        \
  X(List) X(Lock) X(Log) X(Logger) X(Manager) X(Map) X(Mask) X(Memory) X(Message) X(Mode) X(Model) X(Module)       \
  X(Mutex) X(Name) X(Network) X(Node) X(Number) X(Object) X(Octet) X(Octets) X(Offset) X(Option) X(Options)        \
  X(Output) X(Owner) X(Packet) X(Page) X(Parser) X(Path) X(Pause) X(Payload) X(Platform) X(Point) X(Pool) X(Port)  \
  X(Process) X(Profile) X(Protocol) X(Provider) X(Query) X(Queue) X(Random) X(Range) X(Raised) X(Reader)           \
  X(Record) X(Region) X(Registry) X(Reply) X(Report) X(Request) X(Reserved) X(Resource) X(Response) X(Role)        \
  X(Row) X(Rule) X(Scope) X(Secret) X(Section) X(Seen) X(Segment) X(Server) X(Service) X(Session) X(Set)           \
  X(Settings) X(Shape) X(Signature) X(Size) X(Slice) X(Slot) X(Socket) X(Span) X(Stack) X(State) X(Status)         \
  X(Storage) X(Store) X(String) X(Symbol) X(System) X(Table) X(Tag) X(Target) X(Task) X(Text) X(Thread) X(Time)    \
  X(Timeout) X(Timer) X(Token) X(Tree) X(Type) X(Unit) X(User) X(Value) X(Version) X(View) X(Visitor) X(Worker)    \
  X(Writer)
#define OWN(Name) struct Name { static constexpr bool kOwn = true; };
OWN_NAMES(OWN)
namespace http {
struct Own : Request {};
}  // namespace http

#include "every_header.hpp"

using namespace snpnv;

#define IS_OWN(Name) static_assert(Name::kOwn);
OWN_NAMES(IS_OWN)
static_assert(http::Own::kOwn);

int main() {
  const ByteView octets = octets_of("\x01\x02");
  ByteReader reader(octets);
  return reader.be<std::uint16_t>() == 0x0102 && reader.finish(true) ? 0 : 1;
}
