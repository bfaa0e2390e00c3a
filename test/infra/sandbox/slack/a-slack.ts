import { LogLevel, WebClient, type WebClientOptions } from '@slack/web-api'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'

type SlackOptions = Parameters<typeof createSlack>[0]

/** The stand-in for Slack, listening. Nobody is at the bot's address unless told otherwise. */
export const startSlack = async (options: Partial<SlackOptions> = {}): Promise<Slack> => {
  const slack = createSlack({
    botToken: 'xoxb-sandbox',
    signingSecret: 'signing',
    bot: { eventsUrl: 'http://127.0.0.1:1/slack/events' },
    ...options,
  })
  await slack.listen(0)
  return slack
}

/** Slack's own client, as the bot unless told otherwise: it asks once, and tells only errors. */
export const clientOf = (slack: Slack, token = 'xoxb-sandbox', options: WebClientOptions = {}): WebClient =>
  new WebClient(token, {
    slackApiUrl: slack.apiUrl(),
    retryConfig: { retries: 0 },
    logLevel: LogLevel.ERROR,
    ...options,
  })
