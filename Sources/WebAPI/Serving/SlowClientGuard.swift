import NIOCore
import NIOHTTPTypes

/// Closes the connection of a client that takes too long to send a request, or to take its answer. (One that sends
/// nothing, or a head without an end, is closed as idle by the server.)
///
/// From a request's head to its end: `receive`; from then until the answer is written to the socket: `answer`. One timer at
/// most is under way, and none is set anew for each request.
final class SlowClientGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let receive: TimeAmount
    private let answer: TimeAmount
    private var requests = 0
    private var deadline: NIODeadline?
    private var isTimed = false

    /// Units: seconds.
    init(receive: Int, answer: Int) {
        self.receive = .seconds(Int64(receive))
        self.answer = .seconds(Int64(answer))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            requests += 1
            expect(.now() + receive, context)
        case .body: break
        case .end: expect(.now() + answer, context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise()
        let guarded = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenSuccess { guarded.value.answered() }
        context.write(data, promise: written)
    }

    private func answered() {
        requests -= 1
        if requests == 0 { deadline = nil }
    }

    private func expect(_ time: NIODeadline, _ context: ChannelHandlerContext) {
        deadline = time
        if !isTimed { watch(until: time, context) }
    }

    private func watch(until time: NIODeadline, _ context: ChannelHandlerContext) {
        isTimed = true
        let guarded = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: time) {
            let (guardian, context) = guarded.value
            guardian.isTimed = false
            guard let deadline = guardian.deadline, context.channel.isActive else { return }
            if deadline > .now() { return guardian.watch(until: deadline, context) }
            context.close(promise: nil)
        }
    }
}
