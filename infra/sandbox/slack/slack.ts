import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson, answerText } from '../http/answer.ts'
import { readBody } from '../http/body.ts'
import { type Listening, listen } from '../http/listen.ts'
import { serve } from '../http/serve.ts'
import type { Person } from '../people.ts'
import { createMessages, type Message } from './messages.ts'
import type { Workspace } from './methods/method.ts'
import { createRateLimit } from './rate-limit.ts'
import { createResponseUrls, keepAnswer } from './response-urls.ts'
import { SlackError } from './slack-error.ts'
import { deliverCommand, newTriggerId } from './slash-command.ts'
import { answerWebApi } from './web-api.ts'
import { type Channel, channelNamed } from './workspace.ts'

export type SlackOptions = {
  readonly botToken: string
  readonly signingSecret: string
  readonly bot: { readonly commandsUrl: string }
  readonly stateFile?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export type CommandOutcome = {
  /** Names the command: `answersTo(id)`. */
  readonly id: string
  /** What came with the acknowledgement; later answers come by the response_url. */
  readonly answer?: Message
  /** What Slack tells the person when the bot did not acknowledge in time. */
  readonly failure?: string
}

/** `chat.postMessage` allows about one a second per channel, and short bursts. */
const POST_BURST = 5

export const createSlack = (options: SlackOptions) => {
  const now = options.now ?? Date.now
  const messages = createMessages(options.stateFile, now)
  const workspace: Workspace = { messages, postLimit: createRateLimit(POST_BURST, now), now }
  const responseUrls = createResponseUrls(messages, now)
  let listening: Listening | undefined

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://slack').pathname
    if (path.startsWith('/api/')) {
      return answerWebApi(workspace, options.botToken, path.slice('/api/'.length), request, response)
    }
    if (path.startsWith('/commands/') && request.method === 'POST')
      return answerReply(path, request, response)
    answerText(response, 404, 'Not found\n')
  }

  const answerReply = async (
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const body = await readBody(request)
    try {
      responseUrls.use(path, parseReply(body))
      answerText(response, 200, 'ok')
    } catch (error) {
      if (!(error instanceof SlackError)) throw error
      const gone = error.code === 'used_url' || error.code === 'expired_url'
      answerJson(response, gone ? 404 : 400, { ok: false, error: error.code })
    }
  }

  const url = (): string => {
    if (!listening) throw new Error('The Slack stand-in is not listening yet.')
    return listening.url
  }

  return {
    async listen(port: number): Promise<Listening> {
      listening = await listen(serve(handle), port)
      return listening
    },
    close: async (): Promise<void> => listening?.close(),

    /** Base of the Web API, for the client's `slackApiUrl`. */
    apiUrl: (): string => `${url()}/api/`,

    async sendCommand(
      person: Person,
      command: string,
      text: string,
      channel?: Channel,
    ): Promise<CommandOutcome> {
      const place = channel ?? channelNamed('general')
      if (!place) throw new Error('The workspace has no #general.')
      const id = newTriggerId(now())
      const origin = { command: id, user: person.slack.user, channel: place.id }
      const acknowledged = await deliverCommand(options.bot.commandsUrl, options.signingSecret, now(), {
        person,
        command,
        text,
        channel: place,
        responseUrl: `${url()}${responseUrls.open(origin)}`,
        triggerId: id,
      })
      if (!acknowledged.ok)
        return { id, failure: `${command} failed with the error "${acknowledged.failure}"` }
      if (acknowledged.body === '') return { id }
      try {
        const reply = acknowledged.isJson ? parseReply(acknowledged.body) : { text: acknowledged.body }
        const answer = keepAnswer(messages, origin, reply)
        return answer ? { id, answer } : { id }
      } catch (error) {
        if (!(error instanceof SlackError)) throw error
        return { id, failure: `${command} failed with the error "${error.code}"` }
      }
    },

    /** Everything the bot answered to one command so far, oldest first. */
    answersTo: (id: string): readonly Message[] => messages.answering(id),

    /** The first answer to a command, or undefined when none comes in time. */
    async waitForAnswer(id: string, milliseconds: number): Promise<Message | undefined> {
      const signal = AbortSignal.timeout(milliseconds)
      while (messages.answering(id).length === 0 && !signal.aborted) {
        await messages.nextAppended(signal).catch(() => {})
      }
      return messages.answering(id)[0]
    },

    messagesIn: (channel: Channel): readonly Message[] => messages.inChannel(channel.id),
    /** Private answers and ephemeral messages one person sees, oldest first. */
    visibleOnlyTo: (person: Person): readonly Message[] => messages.visibleOnlyTo(person.slack.user),
  }
}

export type Slack = ReturnType<typeof createSlack>

const parseReply = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    throw new SlackError('invalid_payload')
  }
}
