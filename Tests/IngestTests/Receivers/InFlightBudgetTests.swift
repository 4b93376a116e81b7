import Ingest
import Testing

@Suite struct InFlightBudgetTests {
    @Test("Bytes are held while the body runs, and given back after it")
    func holds() async {
        let budget = InFlightBudget(limit: 100)
        let during = await budget.admit(60) { budget.inFlight }
        #expect(during == 60)
        #expect(budget.inFlight == 0)
    }

    @Test("What would exceed the limit does not run; what just fits does", arguments: [(40, true), (41, false)])
    func limit(_ bytes: Int, _ fits: Bool) async {
        let budget = InFlightBudget(limit: 100)
        await budget.admit(60) {
            let ran: Void? = await budget.admit(bytes) {}
            #expect((ran != nil) == fits)
            #expect(budget.inFlight == 60)
        }
    }

    @Test("A message above the limit never fits, whatever its size", arguments: [101, Int.max])
    func tooLarge(_ bytes: Int) async {
        let ran: Void? = await InFlightBudget(limit: 100).admit(bytes) {}
        #expect(ran == nil)
    }

    @Test("Bytes are given back when the body throws")
    func givesBack() async {
        struct Failure: Error {}
        let budget = InFlightBudget(limit: 100)
        await #expect(throws: Failure.self) { try await budget.admit(60) { throw Failure() } }
        #expect(budget.inFlight == 0)
    }

    @Test("A thousand tasks at once never hold more than the limit, and leave nothing behind")
    func concurrent() async {
        let budget = InFlightBudget(limit: 100)
        let most = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    await budget.admit(30) {
                        await Task.yield()
                        return budget.inFlight
                    } ?? 0
                }
            }
            return await group.reduce(0, max)
        }
        #expect(most <= 90)
        #expect(budget.inFlight == 0)
    }
}
