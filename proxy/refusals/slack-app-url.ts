import { z } from 'zod'

const deepLink = /^slack:\/\/app\?team=[A-Z0-9]+&id=[A-Z0-9]+(?:&tab=(?:home|messages|about))?$/

const isWebAddress = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === ''
}

/** Where the bot is at home in Slack (docs.slack.dev: deep linking). */
export const slackAppUrl = z
  .string()
  .refine(
    (text) => deepLink.test(text) || isWebAddress(text),
    'is neither slack://app?team=T…&id=A… nor an https address',
  )
