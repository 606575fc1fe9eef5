// The study of a network with many inputs: its parts, drawn from one record.

const studied = await theRecord();
showDepths(studied.depths);
showCloud(studied.letters, studied.classes);
showOwn(studied.letters);
showLeaning(studied.letters, studied.classes);
document.documentElement.dataset.drawn = "yes";
