import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerText } from '../http/answer.ts'
import { type Listening, listen } from '../http/listen.ts'
import { serve } from '../http/serve.ts'
import { createDelivery } from './delivery.ts'
import { createFaults, type Fault } from './faults.ts'
import { type CommandOutcome, createInteractions } from './interactions.ts'
import type { Member } from './members.ts'
import { createMessages, type Message } from './messages.ts'
import type { Workspace } from './methods/method.ts'
import { createRateLimit } from './rate-limit.ts'
import { takeReply } from './replies.ts'
import { createResponseUrls } from './response-urls.ts'
import { createSocketMode } from './socket-mode.ts'
import { createTriggers } from './triggers.ts'
import type { OpenedView } from './view.ts'
import { createWebApi } from './web-api.ts'
import { type Channel, channelNamed } from './workspace.ts'

export type SlackOptions = {
  readonly botToken: string
  /** The `xapp-…` token; without it nobody can connect in Socket Mode. */
  readonly appToken?: string
  readonly signingSecret: string
  /** What the bot's token may do; by default all that any method asks for. */
  readonly botScopes?: readonly string[]
  /** Where commands and clicks are sent when no connection is open. */
  readonly bot: { readonly eventsUrl: string }
  readonly stateFile?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** `chat.postMessage` allows about one a second per channel, and short bursts. */
const POST_BURST = 5

export const createSlack = (options: SlackOptions) => {
  const now = options.now ?? Date.now
  const messages = createMessages(options.stateFile, now)
  const sockets = createSocketMode(now)
  const faults = createFaults()
  const responseUrls = createResponseUrls(messages, now)
  let listening: Listening | undefined

  const url = (): string => {
    if (!listening) throw new Error('The Slack stand-in is not listening yet.')
    return listening.url
  }

  const workspace: Workspace = {
    messages,
    triggers: createTriggers(now),
    views: [],
    postLimit: createRateLimit(POST_BURST, now),
    socketUrl: () => sockets.address(url()),
    now,
  }
  const answerWebApi = createWebApi(
    workspace,
    { bot: options.botToken, app: options.appToken },
    faults,
    options.botScopes,
  )
  const { eventsUrl } = options.bot
  const deliver = createDelivery({ eventsUrl, signingSecret: options.signingSecret, sockets, now })
  const interactions = createInteractions({ workspace, responseUrls, deliver, url })

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://slack').pathname
    if (path.startsWith('/api/')) return answerWebApi(path.slice('/api/'.length), request, response)
    const isResponseUrl = path.startsWith('/commands/') || path.startsWith('/actions/')
    if (isResponseUrl && request.method === 'POST') return takeReply(responseUrls, path, request, response)
    answerText(response, 404, 'Not found\n')
  }

  /** Resolves when it holds, or with `false` when the time is over. */
  const until = async (holds: () => boolean, milliseconds: number): Promise<boolean> => {
    const signal = AbortSignal.timeout(milliseconds)
    while (!holds() && !signal.aborted) await messages.nextChange(signal).catch(() => {})
    return holds()
  }

  return {
    async listen(port: number): Promise<Listening> {
      const server = serve(handle)
      sockets.attach(server)
      listening = await listen(server, port)
      return listening
    },
    close: async (): Promise<void> => {
      sockets.close()
      await listening?.close()
    },

    /** Base of the Web API, for the client's `slackApiUrl`. */
    apiUrl: (): string => `${url()}/api/`,

    sendCommand(person: Member, command: string, text: string, channel?: Channel): Promise<CommandOutcome> {
      const place = channel ?? channelNamed('general')
      if (!place) throw new Error('The workspace has no #general.')
      return interactions.sendCommand(person, command, text, place)
    },

    /**
     * Clicks a button, named by its action_id or by what stands on it, on a message, or on the newest message with
     * it that the person sees (in a channel, or anywhere). Rejects when there is no such button; whatever the bot
     * does wrong is in the outcome.
     */
    click: interactions.click,
    /** The newest message with the button that the person sees. */
    messageWithButton: interactions.messageWithButton,

    /** Everything the bot answered to one command or click so far, oldest first. */
    answersTo: (id: string): readonly Message[] => messages.answering(id),

    /** The first answer to a command or click, or undefined when none comes in time. */
    async waitForAnswer(id: string, milliseconds: number): Promise<Message | undefined> {
      await until(() => messages.answering(id).length > 0, milliseconds)
      return messages.answering(id)[0]
    },

    /** Resolves when the clicked message was changed or deleted, or an answer came; else when the time is over. */
    async waitForEffect(id: string, clicked: Message, milliseconds: number): Promise<void> {
      const current = () => messages.find(clicked.channel, clicked.ts)
      await until(() => current() !== clicked || messages.answering(id).length > 0, milliseconds)
    },

    /** A message as it is now, or undefined when it was deleted. */
    messageNow: ({ channel, ts }: Pick<Message, 'channel' | 'ts'>): Message | undefined =>
      messages.find(channel, ts),
    messagesIn: (channel: Channel): readonly Message[] => messages.inChannel(channel.id),
    /** Private answers and ephemeral messages one person sees, oldest first. */
    visibleOnlyTo: (person: Member): readonly Message[] => messages.visibleOnlyTo(person.slack.user),
    /** The modals the bot opened for one person, oldest first. */
    viewsOf: (person: Member): readonly OpenedView[] =>
      workspace.views.filter(({ user }) => user === person.slack.user),

    /** The next calls of the Web API fail in this way. Several faults are used up one after the other. */
    fail: (fault: Fault): void => faults.add(fault),
    /** No more calls fail. */
    mend: (): void => faults.clear(),

    /** Connections in Socket Mode that get envelopes. */
    connections: (): number => sockets.connections(),
    /** Asks connections (the oldest `count`, or all) to come again; answers how many were asked. */
    refreshSockets: (count?: number): number => sockets.refresh(count),
  }
}

export type Slack = ReturnType<typeof createSlack>
