import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson, answerText } from '../http/answer.ts'
import { readBody } from '../http/body.ts'
import type { ResponseUrls } from './response-urls.ts'
import { SlackError } from './slack-error.ts'

const gone: readonly string[] = ['used_url', 'expired_url', 'message_not_found']

/** What is sent to a response_url: https://docs.slack.dev/interactivity/handling-user-interaction */
export const takeReply = async (
  responseUrls: ResponseUrls,
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
    answerJson(response, gone.includes(error.code) ? 404 : 400, { ok: false, error: error.code })
  }
}

export const parseReply = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    throw new SlackError('invalid_payload')
  }
}
