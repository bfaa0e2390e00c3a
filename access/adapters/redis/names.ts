/** The hash tag keeps every key on one node of a cluster, which one atomic script needs. */
export const tag = '{pagepass}'

export const names = {
  /** Which life of the data set this is: made once, when it is empty. */
  epoch: `${tag}:epoch`,
  /** The sequence number of the newest event. */
  sequence: `${tag}:sequence`,
  /** id → `<version> <sequence number of its event> <which write it was>` of every grant ever stored. */
  versions: `${tag}:versions`,
  /** id → signed statement of each live grant. */
  live: `${tag}:live`,
  /** id → its last grant statement and its end statement, separated by a space. */
  ended: `${tag}:ended`,
  /**
   * principal → `<version> <sequence number of its event> <l|f> <statement>` of each who is or was locked out: `l` while
   * they are.
   */
  locks: `${tag}:locks`,
  /** kid → `<number of the order> <statement>` of each key that was revoked. */
  revocations: `${tag}:revocations`,
  /** The stream of changes: entry ids are `<sequence>-0`. */
  events: `${tag}:events`,
  /** The stream of signed heads. */
  heads: `${tag}:heads`,
  /** Who signs the heads at the moment. */
  headSigner: `${tag}:head-signer`,
  /** What proxies report: that they live, what they confirm, what was used. */
  reports: `${tag}:reports`,
  /** boot → cumulative usage of one grant by one proxy process. */
  usage: (grant: string) => `${tag}:usage:${grant}`,
  /** The grants of one occasion. */
  occasion: (id: string) => `${tag}:occasion:${id}`,
  /** boot → when it last reported, of each proxy process. */
  fleet: `${tag}:fleet`,
  /** The boots that carried out one event about one grant. */
  confirmed: (sequence: number, grant = '') => `${tag}:confirmed:${sequence}:${grant}`,
  /** When which grants were given to somebody by pages alone. */
  pagedPasses: (principal: string) => `${tag}:paged:${principal}`,
  /** Messages from outside that were seen already. */
  seen: (id: string) => `${tag}:seen:${id}`,
  /** principal → the break-glass pass of theirs that waits for its review. */
  glassReviews: `${tag}:glass-reviews`,
  /** `<queue>/<job id>` → what is still to be said to somebody, kept beside the job that says it. */
  owed: `${tag}:owed`,
  /** Where in Slack a card is shown, and what it shows. */
  card: (place: string, card: string) => `${tag}:card:${place}:${card}`,
  /** Who is posting or updating a card at the moment. */
  cardLock: (place: string, card: string) => `${tag}:card-lock:${place}:${card}`,
  /** The channel of somebody's direct messages. */
  direct: (team: string, user: string) => `${tag}:direct:${team}:${user}`,
  /** When the newest calls of a lane went. */
  turnsGone: (lane: string) => `${tag}:turns-gone:${lane}`,
  /** Who waits for a turn in a lane, the oldest first. */
  turnsLine: (lane: string) => `${tag}:turns-line:${lane}`,
  /** Until when a lane is closed, because the other side said so. */
  turnsShut: (lane: string) => `${tag}:turns-shut:${lane}`,
  /** Who does something that one process does for all. */
  duty: (name: string) => `${tag}:duty:${name}`,
  /** The newest signed statement on which incidents PagerDuty confirms. */
  incidentsConfirmed: `${tag}:incidents-confirmed`,
  /** What was last said of PagerDuty's webhooks. */
  webhooksTold: `${tag}:webhooks-told`,
  /** Which event replicas were asked for last. */
  replicated: `${tag}:replicated`,
  /** What is left of one rate limit, and which proxy process holds which part of it. */
  rate: (limit: string) => `${tag}:rate:${limit}`,
  /** boot → when it last asked for its parts, of each proxy process. */
  rateFleet: `${tag}:rate-fleet`,
} as const
