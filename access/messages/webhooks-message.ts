/** How the bot hears of incidents. */
export type Heard = 'delivered' | 'disabled' | 'switched off' | 'missing'

const why: Readonly<Record<Exclude<Heard, 'delivered'>, string>> = {
  disabled:
    'PagerDuty has disabled the webhook subscription for a day, because deliveries were refused. Mend why the bot did not answer, then enable it in PagerDuty (Integrations, Generic Webhooks v3).',
  'switched off':
    'The webhook subscription is switched off in PagerDuty. Enable it there (Integrations, Generic Webhooks v3).',
  missing:
    'PagerDuty has no webhook subscription that delivers to the bot. Add one there (Integrations, Generic Webhooks v3).',
}

/** To the operators, once per change: whether PagerDuty tells the bot of incidents. */
export const webhooksMessage = (heard: Heard): string =>
  heard === 'delivered'
    ? '*PagerDuty’s webhooks come again.*'
    : `*PagerDuty’s webhooks don’t come.* ${why[heard]} Until then pages are found by asking PagerDuty twice a minute, so passes come later.`
