/** What lessons say: the steps of the scripts, the teacher's bar, the slow motion and the guessing game. */
export const lesson = {
  "bar.region": "Lesson",
  "bar.title": "Lesson",
  "bar.step": "{step} of {steps}",
  "bar.next": "Next",
  "bar.end": "End the lesson",
  "bar.tell": "Tell the answer",
  "bar.script": { one: "{title}, {count} step", other: "{title}, {count} steps" },
  "bar.answered": { one: "{count} answered", other: "{count} answered" },
  "script.short": "Five minutes",
  "script.middle": "Twenty minutes",
  "script.whole": "A whole lesson",

  "act.start": "Start the run",
  "act.compare": "Set up both, side by side",

  "guess.model": "The model said {before} before training, and says {after} now.",
  "guess.sure": "{label} ({share})",
  "guess.tally": {
    one: "After {count} text: the class's majority was right in {class}, the model in {before} before training and in {after} now.",
    other:
      "After {count} texts: the class's majority was right in {class}, the model in {before} before training and in {after} now.",
  },
  "guess.next": "Next text",
  "guess.no-labels":
    "This task's texts have no labels to guess: take one that has, such as spam, for this game.",

  "slow.later": "It can be shown as soon as the first round is over.",
  "slow.round": "Round {round}",
  "slow.next": "Next step",
  "slow.stage": "{number}. {stage}",
  "slow.drawn": "The coordinator draws for each device which columns it keeps.",
  "slow.down": "Only the blue columns travel to the devices.",
  "slow.trains": "Each device trains its own columns on its own texts.",
  "slow.up": "What has changed travels back, and nothing else.",
  "slow.averaged":
    "Column by column, the changes of those who kept it are averaged: the darker, the more devices.",
  "slow.keeps": "{nickname} keeps {kept} of {all} columns of {module}",
  "slow.dropped": "{rate} dropped",
  "slow.received": "↓ {bytes}",
  "slow.training": "trains",
  "slow.sent": "↑ {bytes}",
  "slow.late": "came too late",
  "slow.average": "average",
  "slow.average.about": "How many devices each column is averaged over",
  "slow.of": "{count} of {all}",

  "step.together": "Many devices, one model",
  "step.together.caption":
    "Each of your devices has texts that the others do not see. Together you teach one language model, and only numbers travel.",
  "step.what-travels": "What leaves your device?",
  "step.what-travels.caption": "Think of a photo album that you would not hand over.",
  "step.what-travels.question": "What does your device send to the coordinator?",
  "step.what-travels.option.0": "its texts",
  "step.what-travels.option.1": "how some numbers of the model changed",
  "step.what-travels.option.2": "nothing",
  "step.first-rounds": "The first rounds",
  "step.first-rounds.caption":
    "Watch your own screen: your device receives its share of the model, trains it on its texts and sends back what changed.",
  "step.slow-round": "One round, slowly",
  "step.slow-round.caption":
    "Blue cells are what a device keeps this round, grey ones are left out. Each device keeps others, and where several kept the same cell their changes are averaged.",
  "step.why-leave-out": "Why leave anything out?",
  "step.why-leave-out.caption": "What is left out is neither sent nor trained in this round.",
  "step.why-leave-out.question": "What is gained when a device trains only a part of the numbers?",
  "step.why-leave-out.option.0": "less to send, and less learning by heart",
  "step.why-leave-out.option.1": "more texts are read",
  "step.why-leave-out.option.2": "the model becomes larger",
  "step.by-heart": "Learning by heart",
  "step.by-heart.caption":
    "A filled gap in the chart, once there is one, is what the model knows of your texts beyond what it knows of new ones. A pupil who learns answers by heart has such a gap too.",
  "step.by-heart.question": "Which curve tells whether the model got better at what it has never seen?",
  "step.by-heart.option.0": "the one of the devices' own texts",
  "step.by-heart.option.1": "the one of unseen texts",
  "step.by-heart-compared.caption":
    "Both curves are of texts that nobody trained on. Where one rises, its model learns your texts by heart, like a pupil who knows the answers and fails at new questions.",
  "step.by-heart-compared.question": "A curve rises over the dashed line. What has happened to its model?",
  "step.by-heart-compared.option.0": "it has become better on new texts",
  "step.by-heart-compared.option.1": "it knows its own texts better, and new ones worse",
  "step.guess": "You against the model",
  "step.guess.caption":
    "Read the text on the big screen and decide. Then we see what the model says, before and after training.",
  "step.side-by-side": "With and without",
  "step.side-by-side.caption":
    "The same devices, texts and seeds, by turns: one model with dropout, one without. The headline is computed from both.",
  "step.bet": "Place your bets",
  "step.bet.caption": "Both models have begun at the same place.",
  "step.bet.question": "Which one will make fewer mistakes on unseen texts in the end?",
  "step.bet.option.0": "the one with dropout",
  "step.bet.option.1": "the one without",
  "step.bet.option.2": "both alike",
  "step.who-decides": "Who drops how much?",
  "step.who-decides.caption":
    "The heat map shows what was left out on each device, round by round. A device with a slow link or little energy can be given more dropout, so that nobody waits for it.",
  "step.who-decides.question": "A phone on a slow link: should it drop more or less than a fast laptop?",
  "step.who-decides.option.0": "more: it has less to send then",
  "step.who-decides.option.1": "less: it has to catch up",
  "step.privacy": "Is that private?",
  "step.privacy.caption":
    "Texts stay, but changes of numbers tell something about them too. Sums over many devices tell less, and noise hides the rest at the price of a slower lesson.",
  "step.privacy.question": "When could the coordinator learn most about one device?",
  "step.privacy.option.0": "when it is alone in a round",
  "step.privacy.option.1": "when thirty take part",
  "step.privacy.option.2": "never",
  "step.try": "Try it",
  "step.try.caption":
    "Ask the model on your own screen: it answers as it was and as it is now. Which words are new?",
  "step.end": "What we have made",
  "step.end.caption":
    "One model, made by all of you, of texts that nobody had to hand over. Your part stands on your screen.",
} as const;
