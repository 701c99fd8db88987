/** What more than one page says. */
export const shared = {
  "language.switch": "Language",
  "language.unavailable": "It cannot be loaded now: the coordinator does not answer.",
  "language.unkept":
    "It takes loading this page anew, which would lose what was typed or chosen here: there is more of it than this browser keeps. Load the page when you need it no more.",
  "symbols.show": "Show the paper's symbols",
  yes: "Yes",
  no: "No",
  back: "Back",
  unknown: "unknown",

  "unit.joules": "{value} J",
  "unit.kilojoules": "{value} kJ",
  "unit.less": "< {value}",
  "unit.one-in": "1 in {number}",
  "unit.about": "≈ {value}",
  "unit.a-second": "{value}/s",

  "file.no-answer": "the coordinator answered {status}",
  "file.failed": "{file} could not be had: {why}.",

  "refused.protocol-version": "The coordinator speaks another version of the protocol.",
  "refused.run-full": "The run is full.",
  "refused.run-locked": "The host has closed this run to newcomers.",
  "refused.wrong-code": "The room code is missing or wrong.",
  "refused.awaiting-approval": "The host has been asked to let you in.",
  "refused.not-admitted": "The host did not let you in.",
  "refused.kicked": "The host has removed this device from the run.",
  "refused.unknown-participant": "The coordinator does not know this device.",
  "refused.bad-message": "The coordinator could not use what it was sent.",
  "refused.not-running": "No round is open.",
  "refused.stale-round": "That round is over.",
  "refused.not-in-cohort": "This device is not in this round.",
  "refused.duplicate": "That had been done already.",
  "refused.too-large": "What was sent is too large.",
  "refused.wrong-length": "What was sent has the wrong length.",
  "refused.wrong-header": "What was sent has the wrong header.",
  "refused.wrong-order": "That came at the wrong moment.",
  "refused.non-finite": "The update holds numbers that are none.",
  "refused.out-of-range": "A value is out of range.",
  "refused.rate-limited": "Too many messages in a short time.",
  "refused.used-up": "That can be had only once.",
  "refused.wrong-state": "That is not possible now.",
  "refused.taken-over": "This device has joined from another tab.",

  "outcome.aggregated": "averaged in",
  "outcome.late": "too late",
  "outcome.refused": "refused",
  "outcome.left": "left",
  "outcome.missed-deadline": "missed the deadline",
  "outcome.discarded": "discarded, too few took part",

  "energy.modelled": "modelled",
  "energy.battery": "from the battery",
  "energy.emulated": "emulated",
  "energy.processor": "measured at the processor",

  "mask.strip": "{module}: {kept} of {size} {what} kept",
  "mask.columns": "columns of A",
  "mask.rows": "rows of B",

  "privacy.title": "Privacy",
  "privacy.used": "ε {used} of {all} used, δ {delta}",
  "privacy.bar": "Privacy budget used",
  "privacy.who": "Who sees what",
  "privacy.device": "the device",
  "privacy.coordinator": "coordinator",
  "privacy.everybody": "everybody",
  "privacy.texts": "its own texts",
  "privacy.update": "its update",
  "privacy.noisy-update": "its update, with noise",
  "privacy.mean": "all updates' mean",
  "privacy.noisy-mean": "all updates' mean, with noise",
  "privacy.read": "can read",
  "privacy.masked": "masked",
  "privacy.never": "never",
  "privacy.masks":
    "Devices mask their updates for each other: one by one they read like noise, and only the sum of several can be read. This holds while fewer than a third of the devices help the coordinator, and none of them is its invention.",
  "privacy.trusted":
    "The coordinator reads each update before it adds the noise, and has to be trusted with it.",
  "privacy.whole-run": "In the whole run: {promise} The run ends when the budget is used.",
  "privacy.not-covered": "Losses and counts that devices report are not covered.",
  "privacy.texts-used": "Texts of this device: ε {used} of {all} used, δ {delta}.",
  "privacy.texts-promise": "Texts of each device: ε {all} at most, δ {delta}.",
  "privacy.texts-bounded":
    "Whoever studies every update that a device sends, and gives even chances at first that a certain text was among its own, becomes {surest} sure at most (but for a chance of {delta}). Each device keeps its own account, and nobody else has to be trusted.",
  "privacy.texts-little":
    "Whoever studies every update that a device sends, and gives even chances at first that a certain text was among its own, can come to be all but sure, so this is little protection (but for a chance of {delta}). Each device keeps its own account.",
  "privacy.bounded":
    "whoever studies every shared model, and gives even chances at first that a certain device's updates are in them, becomes {surest} sure at most (but for a chance of {delta}).",
  "privacy.little":
    "whoever studies every shared model, and gives even chances at first that a certain device's updates are in them, can come to be all but sure, so this is little protection (but for a chance of {delta}).",

  "verdict.worsening": "Getting worse since round {round}: it starts to learn its texts by heart.",
  "verdict.first": "Round {round}: the first model there is.",
  "verdict.better": "Better than the base model by {by} on texts that nobody trained on.",
  "verdict.worse": "Worse than the base model by {by} on texts that nobody trained on.",
  "verdict.same": "About as good as the base model on texts that nobody trained on.",

  "chart.rounds": "rounds",
  "loss.title": "Loss",
  "loss.about.language-model":
    "How surprised the model is by the next word, in nats; lower is better. Held-out texts are ones no device trains on.",
  "loss.about.chat":
    "How surprised the model is by each word of an answer, in nats; lower is better. Held-out texts are ones no device trains on.",
  "loss.about.classification":
    "How surprised the model is by the right label, in nats; lower is better. Held-out texts are ones no device trains on.",
  "loss.about.regression":
    "How far off its estimates are, squared; lower is better. Held-out texts are ones no device trains on.",
  "loss.held-out": "Held-out loss",
  "rate.dropout": "Dropout rate",
  "column.round": "Round",
  "column.outcome": "Outcome",
  "column.down": "Down",
  "column.up": "Up",
  "column.computing": "Computing",
  "column.energy": "Energy (estimate)",
  "energy.term": "Energy",
  "rounds.of": "Round {round} of {rounds}",

  "method.fedlora": "FedLoRA (no dropout)",
  "method.fedlora.about": "Everybody trains and sends the whole adapter.",
  "method.fixed": "Fixed rate",
  "method.fixed.about": "The same dropout rate for every device.",
  "method.random": "Random rates",
  "method.random.about": "Each device draws its rate anew each round.",
  "method.greedy": "Greedy",
  "method.greedy.about": "Capacity goes step by step to the device that gains most.",
  "method.equal": "Equal shares",
  "method.equal.about": "Equal link shares and the best common rate.",
  "method.p-sca": "P-SCA",
  "method.p-sca.about": "A fast approximate optimum by successive convex steps.",
  "method.branch-and-bound": "Branch and bound",
  "method.branch-and-bound.about": "The optimum, with a certificate of how close it is.",

  "task.presidents.title": "Speeches of presidents",
  "task.presidents.story":
    "Each device keeps one president's State of the Union speeches; together they teach one model to speak.",
  "task.eras.title": "When was it said?",
  "task.eras.story":
    "Each device keeps passages of presidents' speeches; together they learn to tell in which years one was said.",
  "task.spam.title": "Spam filter over private mailboxes",
  "task.spam.story":
    "Each device keeps one mailbox that nobody else may read; together they learn to tell spam from mail.",
  "task.mailbox.title": "The tone of a mailing list",
  "task.mailbox.story":
    "Each device keeps the mail of one mailing list; together they learn how these people write.",
  "task.genres.title": "Which kind of text is it?",
  "task.genres.story":
    "Each device reads its own kinds of text; together they learn to tell news from novels and science.",
  "task.genres-lm.title": "Writing in every genre",
  "task.genres-lm.story":
    "Each device reads one genre, from news to romance; together they teach one model to write them all.",
  "task.own-text.title": "Your own text",
  "task.own-text.story":
    "Each participant opens a file of their own; it never leaves the tab, only the adapter's numbers do.",
} as const;
